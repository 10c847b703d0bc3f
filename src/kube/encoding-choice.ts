// Owns which encoding a stream asks for next.
// Promises that what protobuf could not read is asked for once in JSON, and that a stream which fails so again and again stays with JSON.
// Does not decode: src/decode does.

import type { StreamCounters } from './counters.ts'
import type { Encoding } from './paths.ts'

export class EncodingChoice {
  private readonly wanted: Encoding
  private readonly counters: StreamCounters
  /** After so many the stream stays with JSON. */
  private readonly protobufErrorsMax: number
  private protobufErrors = 0
  private jsonNext = false

  constructor(wanted: Encoding, counters: StreamCounters, protobufErrorsMax: number) {
    this.wanted = wanted
    this.counters = counters
    this.protobufErrorsMax = protobufErrorsMax
  }

  current(): Encoding {
    if (this.wanted === 'json' || this.jsonNext) return 'json'
    return this.protobufErrors >= this.protobufErrorsMax ? 'json' : 'protobuf'
  }

  /** The next request is made in JSON, which can be read wherever protobuf could not. */
  fallBack(): void {
    if (this.current() === 'json') return
    this.protobufErrors += 1
    this.jsonNext = true
    this.counters.jsonFallbacks += 1
  }

  /** The request in JSON is over, whether or not it was answered. */
  retake(): void {
    this.jsonNext = false
  }
}
