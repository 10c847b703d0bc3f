// Owns short texts by row, one after the other in one buffer: as strings of their own 150,000 names would take three times the room.
// Promises to use no more than twice the bytes that the texts have. Does not know which rows are in use: it is told what goes.

const FEWEST_BYTES = 4096
const FEWEST_ROWS = 64

export class TextColumn {
  #bytes = Buffer.allocUnsafeSlow(FEWEST_BYTES)
  #offsets = new Uint32Array(FEWEST_ROWS)
  /** 0 where a row has no text, or an empty one. */
  #lengths = new Uint16Array(FEWEST_ROWS)
  #end = 0
  /** Of texts that went. */
  #wasted = 0

  /** Up to 65,535 bytes of UTF-8; a Kubernetes name has 253 at the most. */
  set(row: number, text: string): void {
    this.remove(row)
    const length = Buffer.byteLength(text)
    if (length > 0xffff) throw new RangeError(`a text of ${length} bytes is too long for a column`)
    if (row >= this.#offsets.length) this.#addRows(row)
    if (this.#end + length > this.#bytes.length) this.#makeRoom(length)
    this.#offsets[row] = this.#end
    this.#lengths[row] = length
    this.#end += this.#bytes.write(text, this.#end, 'utf8')
  }

  get(row: number): string {
    const offset = this.#offsets[row] ?? 0
    return this.#bytes.toString('utf8', offset, offset + (this.#lengths[row] ?? 0))
  }

  remove(row: number): void {
    this.#wasted += this.#lengths[row] ?? 0
    if (row < this.#lengths.length) this.#lengths[row] = 0
  }

  #addRows(row: number): void {
    const rows = Math.max(row + 1, this.#offsets.length * 2)
    this.#offsets = grown(new Uint32Array(rows), this.#offsets)
    this.#lengths = grown(new Uint16Array(rows), this.#lengths)
  }

  /** Moves the texts that are left together, into a buffer that has half as much room besides. Where none went they lie so already. */
  #makeRoom(length: number): void {
    const bytes = Buffer.allocUnsafeSlow(Math.max(FEWEST_BYTES, (this.#end - this.#wasted + length) * 1.5))
    const end = this.#wasted === 0 ? this.#bytes.copy(bytes, 0, 0, this.#end) : this.#moveTogether(bytes)
    this.#bytes = bytes
    this.#end = end
    this.#wasted = 0
  }

  #moveTogether(bytes: Buffer): number {
    let end = 0
    for (let row = 0; row < this.#offsets.length; row++) {
      const size = this.#lengths[row] ?? 0
      if (size === 0) continue
      const offset = this.#offsets[row] ?? 0
      this.#bytes.copy(bytes, end, offset, offset + size)
      this.#offsets[row] = end
      end += size
    }
    return end
  }
}

/** `into` with the old values at its beginning. */
export function grown<Column extends Uint8Array | Uint16Array | Uint32Array | Int32Array | Float64Array>(
  into: Column,
  old: Column,
): Column {
  into.set(old)
  return into
}
