// Owns the memory into which the bodies of several answers are read, one after the other.
// Promises no allocation for a body that is no larger than the one before: the pages of a long list would leave hundreds of megabytes
// to be collected. Does not know what is in a body.

/** A body larger than this is refused as a whole: a page of 500 large pods is a tenth of it. */
const LIMIT_BYTES = 256 * 1024 * 1024
const FEWEST_BYTES = 16 * 1024

export class BodyRoom {
  #bytes: Buffer = Buffer.alloc(0)
  #end = 0

  empty(): void {
    this.#end = 0
  }

  /** False where there is too much of it, which is dropped then. */
  put(bytes: Buffer, start: number, end: number): boolean {
    const needed = this.#end + end - start
    if (needed > LIMIT_BYTES) return false
    if (needed > this.#bytes.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(FEWEST_BYTES, needed, this.#bytes.length * 2))
      this.#bytes.copy(grown, 0, 0, this.#end)
      this.#bytes = grown
    }
    bytes.copy(this.#bytes, this.#end, start, end)
    this.#end = needed
    return true
  }

  /** Valid until the next body. */
  content(): Buffer {
    return this.#bytes.subarray(0, this.#end)
  }
}
