// Owns a table of UIDs: each is given a small number, its row, under which others keep columns.
// Promises 16 bytes and an index entry for a UUID as the API server writes it, and any other text at the price of a string.
// Does not keep anything else of a row. Mutable: a copy of 150,000 rows for each change would be absurd.

const WORDS = 4
const UUID_LENGTH = 36
const DASH = 45
const FEWEST_ROWS = 64

export class UidTable {
  /** Each row's UUID as four words; of one that is none, nothing. */
  #words = new Int32Array(FEWEST_ROWS * WORDS)
  /** Open addressing, linear probing: a row + 1, or 0. Twice as many places as rows, so that probes stay short. */
  #index = new Int32Array(FEWEST_ROWS * 2)
  #used = new Uint8Array(FEWEST_ROWS)
  /** Rows below it have been given away once. */
  #next = 0
  readonly #free: number[] = []
  /** UIDs that are no UUID, and the same by their rows. */
  readonly #odd = new Map<string, number>()
  readonly #oddByRow = new Map<number, string>()
  /** The UUID that was read last. */
  readonly #key = new Int32Array(WORDS)
  #size = 0

  get size(): number {
    return this.#size
  }

  /** Above every row that is in use: how long a column has to be. */
  get rows(): number {
    return this.#used.length
  }

  /** The row of this UID, or -1. */
  find(uid: string): number {
    if (!readUuid(uid, this.#key)) return this.#odd.get(uid) ?? -1
    return (this.#index[this.#place()] ?? 0) - 1
  }

  /** The row of this UID, which it has from now on. */
  add(uid: string): number {
    const isUuid = readUuid(uid, this.#key)
    const known = isUuid ? (this.#index[this.#place()] ?? 0) - 1 : (this.#odd.get(uid) ?? -1)
    if (known >= 0) return known
    if (this.#free.length === 0 && this.#next === this.#used.length) this.#grow()
    const row = this.#free.pop() ?? this.#next++
    this.#used[row] = 1
    this.#size += 1
    if (isUuid) {
      this.#words.set(this.#key, row * WORDS)
      this.#index[this.#place()] = row + 1
    } else {
      this.#odd.set(uid, row)
      this.#oddByRow.set(row, uid)
    }
    return row
  }

  /** Takes the UID out; the row that it had, or -1. */
  remove(uid: string): number {
    const row = this.find(uid)
    if (row < 0) return -1
    if (this.#oddByRow.delete(row)) this.#odd.delete(uid)
    else this.#vacate(this.#place())
    this.#used[row] = 0
    this.#size -= 1
    this.#free.push(row)
    return row
  }

  has(row: number): boolean {
    return this.#used[row] === 1
  }

  /** The UID of a row that is in use. */
  uidOf(row: number): string {
    const odd = this.#oddByRow.get(row)
    if (odd !== undefined) return odd
    const hex = Array.from(this.#words.subarray(row * WORDS, (row + 1) * WORDS), (word) =>
      (word >>> 0).toString(16).padStart(8, '0'),
    ).join('')
    return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
  }

  /** Where the index has the key that was read last, or the empty place where it belongs. */
  #place(): number {
    const [a = 0, b = 0, c = 0, d = 0] = this.#key
    const mask = this.#index.length - 1
    let place = mix(a, b, c, d) & mask
    for (;;) {
      const row = (this.#index[place] ?? 0) - 1
      if (row < 0) return place
      const at = row * WORDS
      const words = this.#words
      if (words[at] === a && words[at + 1] === b && words[at + 2] === c && words[at + 3] === d) return place
      place = (place + 1) & mask
    }
  }

  /** Empties a place of the index, and closes the gap that later probes would stop at. */
  #vacate(emptied: number): void {
    const mask = this.#index.length - 1
    let gap = emptied
    for (let place = (gap + 1) & mask; this.#index[place] !== 0; place = (place + 1) & mask) {
      const home = this.#homeOf((this.#index[place] ?? 0) - 1) & mask
      // A row that lies at or behind its home, seen from the gap, may not move before it.
      if (((place - home) & mask) < ((place - gap) & mask)) continue
      this.#index[gap] = this.#index[place] ?? 0
      gap = place
    }
    this.#index[gap] = 0
  }

  #homeOf(row: number): number {
    const [a = 0, b = 0, c = 0, d = 0] = this.#words.subarray(row * WORDS, (row + 1) * WORDS)
    return mix(a, b, c, d)
  }

  #grow(): void {
    const rows = this.#used.length * 2
    const words = new Int32Array(rows * WORDS)
    words.set(this.#words)
    this.#words = words
    const used = new Uint8Array(rows)
    used.set(this.#used)
    this.#used = used
    this.#index = new Int32Array(rows * 2)
    const mask = this.#index.length - 1
    for (let row = 0; row < this.#next; row++) {
      if (this.#oddByRow.has(row)) continue
      let place = this.#homeOf(row) & mask
      while (this.#index[place] !== 0) place = (place + 1) & mask
      this.#index[place] = row + 1
    }
  }
}

const mix = (a: number, b: number, c: number, d: number): number => {
  const hash = Math.imul(a ^ Math.imul(b, 0x85ebca6b) ^ Math.imul(c, 0xc2b2ae35) ^ d, 0x9e3779b1)
  return hash ^ (hash >>> 15)
}

/** Reads 32 hexadecimal digits in lower case with their dashes; false for any other text, which a UUID may not stand for. */
function readUuid(text: string, into: Int32Array): boolean {
  if (text.length !== UUID_LENGTH) return false
  let word = 0
  let digits = 0
  for (let at = 0; at < UUID_LENGTH; at++) {
    const code = text.charCodeAt(at)
    if (at === 8 || at === 13 || at === 18 || at === 23) {
      if (code !== DASH) return false
      continue
    }
    const digit = code >= 48 && code <= 57 ? code - 48 : code >= 97 && code <= 102 ? code - 87 : -1
    if (digit < 0) return false
    word = (word << 4) | digit
    digits += 1
    if (digits % 8 === 0) into[digits / 8 - 1] = word
  }
  return true
}
