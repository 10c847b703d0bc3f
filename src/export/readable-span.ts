// Owns nothing: the encoder by the name of the module in which it was.
// Promises the same function. Does not stay longer than what imports it from here.

export { encodeTrace } from './otlp-protobuf.ts'
