// Owns protobuf's wire format on the test side, written from the end to the beginning, as Go's generated code does: a length is known by then.
// Promises bytes without a copy per field. Knows no message: encode.ts does.

const VARINT = 0
const BYTES = 2

const byteLength = (value: bigint): number => {
  let bytes = 1
  for (let rest = value >> 7n; rest > 0n; rest >>= 7n) bytes++
  return bytes
}

export class BackwardWriter {
  private buffer = Buffer.allocUnsafeSlow(4096)
  /** Where the last byte was written; all after it is full. */
  private at = this.buffer.length

  /** How much has been written; the difference of two is the length of what lies between. */
  get written(): number {
    return this.buffer.length - this.at
  }

  /** A copy of all, and a writer that is empty again. */
  take(): Buffer {
    const bytes = Buffer.from(this.buffer.subarray(this.at))
    this.at = this.buffer.length
    return bytes
  }

  raw(bytes: Uint8Array): void {
    this.reserve(bytes.length)
    this.at -= bytes.length
    this.buffer.set(bytes, this.at)
  }

  varint(value: number | bigint): void {
    // Nearly all are tags and lengths.
    if (typeof value === 'number' && value >= 0 && value <= 0x3fff) return this.short(value)
    let rest = BigInt.asUintN(64, BigInt(value))
    const length = byteLength(rest)
    this.reserve(length)
    this.at -= length
    for (let n = 0; n < length; n++, rest >>= 7n)
      this.buffer[this.at + n] = Number(rest & 127n) | (n < length - 1 ? 128 : 0)
  }

  private short(value: number): void {
    this.reserve(2)
    if (value > 0x7f) this.buffer[--this.at] = value >> 7
    this.buffer[--this.at] = value > 0x7f ? (value & 0x7f) | 0x80 : value
  }

  number(field: number, value: number | bigint): void {
    this.varint(value)
    this.varint(field * 8 + VARINT)
  }

  text(field: number, value: string): void {
    const length = Buffer.byteLength(value)
    this.reserve(length)
    this.at -= length
    this.buffer.write(value, this.at, 'utf8')
    this.delimit(field, length)
  }

  bytes(field: number, value: Uint8Array): void {
    this.raw(value)
    this.delimit(field, value.length)
  }

  /** What `body` writes, as a message within this one. */
  nested(field: number, body: () => void): void {
    const before = this.written
    body()
    this.delimit(field, this.written - before)
  }

  private delimit(field: number, length: number): void {
    this.varint(length)
    this.varint(field * 8 + BYTES)
  }

  private reserve(bytes: number): void {
    if (this.at >= bytes) return
    const { written } = this
    const larger = Buffer.allocUnsafeSlow(Math.max(this.buffer.length * 2, written + bytes))
    this.buffer.copy(larger, larger.length - written, this.at)
    this.buffer = larger
    this.at = larger.length - written
  }
}
