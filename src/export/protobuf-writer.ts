// Owns writing protobuf into one buffer that grows and is used again: fields, lengths, and the kinds of value that OTLP has.
// Promises shortest lengths, int64 in two's complement, and U+FFFD in place of half a surrogate pair.
// Does not know any message: see otlp-protobuf.ts. Written by hand because the SDK's encoder was the largest cost of a start.

const VARINT = 0
const FIXED64 = 1
const SIZED = 2
const FIXED32 = 5

/** A usual start is 9 KB. */
const INITIAL_BYTES = 64 * 1024
/** A larger buffer is left after the one message that needed it. */
const KEPT_BYTES = 1024 * 1024
/** Beyond this length one call into Node is cheaper than a loop here. */
const SHORT_TEXT = 40
/** A tag and a length, or a tag and a varint of 64 bits. */
const HEAD_BYTES = 16

export class ProtobufWriter {
  #bytes = Buffer.allocUnsafeSlow(INITIAL_BYTES)
  #view = viewOf(this.#bytes)
  #at = 0

  get length(): number {
    return this.#at
  }

  clear(): void {
    this.#at = 0
    if (this.#bytes.length > KEPT_BYTES) this.#move(Buffer.allocUnsafeSlow(INITIAL_BYTES))
  }

  /** A copy of what was written since, in memory of its own: in a pool, one that waits long would hold its neighbours'. */
  copyFrom(from: number): Uint8Array {
    const copy = Buffer.allocUnsafeSlow(this.#at - from)
    this.#bytes.copy(copy, 0, from, this.#at)
    return copy
  }

  /** Opens a message; what follows is its content, until `end` with the number that is returned. */
  begin(field: number): number {
    this.#reserve(HEAD_BYTES)
    this.#tag(field, SIZED)
    return ++this.#at
  }

  /** One byte was left for the length: most messages are short, and moving a long one is one call. */
  end(start: number): void {
    const length = this.#at - start
    if (length < 0x80) {
      this.#bytes[start - 1] = length
      return
    }
    const more = sizeOf(length) - 1
    this.#reserve(more)
    this.#bytes.copyWithin(start + more, start, this.#at)
    this.#at = start - 1
    this.#varint(length)
    this.#at += length
  }

  text(field: number, text: string): void {
    this.#reserve(HEAD_BYTES + 3 * text.length)
    const start = this.begin(field)
    if (text.length > SHORT_TEXT || !this.#ascii(text)) this.#at += this.#bytes.write(text, this.#at)
    this.end(start)
  }

  /** Bytes from hexadecimal digits. */
  hex(field: number, digits: string): void {
    this.#reserve(HEAD_BYTES + digits.length)
    const start = this.begin(field)
    const bytes = this.#bytes
    let at = this.#at
    for (let digit = 0; digit + 1 < digits.length; digit += 2)
      bytes[at++] = (nibble(digits.charCodeAt(digit)) << 4) | nibble(digits.charCodeAt(digit + 1))
    this.#at = at
    this.end(start)
  }

  /** A whole number that fits into an int64. */
  integer(field: number, value: number): void {
    this.#reserve(HEAD_BYTES)
    this.#tag(field, VARINT)
    if (value >= 0 && value < 2 ** 31) this.#varint(value)
    else this.#varint64(value >>> 0, Math.floor(value / 2 ** 32) >>> 0)
  }

  double(field: number, value: number): void {
    this.#reserve(HEAD_BYTES)
    this.#tag(field, FIXED64)
    this.#view.setFloat64(this.#at, value, true)
    this.#at += 8
  }

  fixed64(field: number, value: bigint): void {
    this.#reserve(HEAD_BYTES)
    this.#tag(field, FIXED64)
    this.#view.setBigUint64(this.#at, value, true)
    this.#at += 8
  }

  fixed32(field: number, value: number): void {
    this.#reserve(HEAD_BYTES)
    this.#tag(field, FIXED32)
    this.#view.setUint32(this.#at, value, true)
    this.#at += 4
  }

  /** Fields that were written before elsewhere. */
  fields(encoded: Uint8Array): void {
    this.#reserve(encoded.length)
    this.#bytes.set(encoded, this.#at)
    this.#at += encoded.length
  }

  /** Fields that were written before here, in no message that is or was open then: `end` moves those. */
  repeat(from: number, to: number): void {
    this.#reserve(to - from)
    this.#bytes.copyWithin(this.#at, from, to)
    this.#at += to - from
  }

  #tag(field: number, wireType: number): void {
    this.#varint((field << 3) | wireType)
  }

  #varint(value: number): void {
    let rest = value
    while (rest > 0x7f) {
      this.#bytes[this.#at++] = (rest & 0x7f) | 0x80
      rest >>>= 7
    }
    this.#bytes[this.#at++] = rest
  }

  #varint64(lowBits: number, highBits: number): void {
    let low = lowBits
    let high = highBits
    while (high > 0) {
      this.#bytes[this.#at++] = (low & 0x7f) | 0x80
      low = ((low >>> 7) | (high << 25)) >>> 0
      high >>>= 7
    }
    this.#varint(low)
  }

  /** False where it is not ASCII; then nothing counts as written. */
  #ascii(text: string): boolean {
    const bytes = this.#bytes
    const at = this.#at
    const length = text.length
    let seen = 0
    for (let index = 0; index < length; index++) {
      const code = text.charCodeAt(index)
      seen |= code
      bytes[at + index] = code
    }
    if (seen > 0x7f) return false
    this.#at = at + length
    return true
  }

  #reserve(count: number): void {
    const needed = this.#at + count
    if (needed <= this.#bytes.length) return
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, 2 * this.#bytes.length))
    this.#bytes.copy(larger, 0, 0, this.#at)
    this.#move(larger)
  }

  #move(bytes: Buffer<ArrayBuffer>): void {
    this.#bytes = bytes
    this.#view = viewOf(bytes)
  }
}

const viewOf = (bytes: Buffer<ArrayBuffer>): DataView =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.length)

const nibble = (code: number): number => (code & 0xf) + (code >> 6) * 9

/** Bytes of a length; no buffer is longer than four groups of seven bits, or a fifth. */
const sizeOf = (length: number): number =>
  length < 0x80 ? 1 : length < 0x4000 ? 2 : length < 0x200000 ? 3 : length < 0x10000000 ? 4 : 5
