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
    const place = isUuid ? this.#place() : -1
    const known = isUuid ? (this.#index[place] ?? 0) - 1 : (this.#odd.get(uid) ?? -1)
    if (known >= 0) return known
    const isFull = this.#free.length === 0 && this.#next === this.#used.length
    if (isFull) this.#grow()
    const row = this.#free.pop() ?? this.#next++
    this.#used[row] = 1
    this.#size += 1
    if (isUuid) this.#keep(row, isFull ? this.#place() : place)
    else {
      this.#odd.set(uid, row)
      this.#oddByRow.set(row, uid)
    }
    return row
  }

  /** Gives the row the UUID that was read last. */
  #keep(row: number, place: number): void {
    for (let word = 0; word < WORDS; word++) this.#words[row * WORDS + word] = this.#key[word] ?? 0
    this.#index[place] = row + 1
  }

  /** Takes the UID out; the row that it had, or -1. */
  remove(uid: string): number {
    const row = this.find(uid)
    if (row >= 0) this.removeRow(row)
    return row
  }

  /** Takes out the UID of a row that is in use. */
  removeRow(row: number): void {
    const odd = this.#oddByRow.get(row)
    if (odd === undefined) this.#vacate(this.#placeOf(row))
    else this.#odd.delete(odd)
    this.#oddByRow.delete(row)
    this.#used[row] = 0
    this.#size -= 1
    this.#free.push(row)
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
    const key = this.#key
    const words = this.#words
    const index = this.#index
    const mask = index.length - 1
    let place = hashAt(key, 0) & mask
    for (;;) {
      const row = (index[place] ?? 0) - 1
      if (row < 0 || isSame(words, row * WORDS, key)) return place
      place = (place + 1) & mask
    }
  }

  #placeOf(row: number): number {
    const mask = this.#index.length - 1
    let place = this.#homeOf(row) & mask
    while (this.#index[place] !== row + 1) place = (place + 1) & mask
    return place
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
    return hashAt(this.#words, row * WORDS)
  }

  #grow(): void {
    const rows = this.#used.length * 2
    const words = new Int32Array(rows * WORDS)
    words.set(this.#words)
    this.#words = words
    const used = new Uint8Array(rows)
    used.set(this.#used)
    this.#used = used
    this.#index = this.#indexOf(rows * 2)
  }

  /** All rows at once, in one turn of the event loop: a hundred thousand of them should take it some milliseconds. */
  #indexOf(places: number): Int32Array<ArrayBuffer> {
    const index = new Int32Array(places)
    const mask = places - 1
    const words = this.#words
    const odd = this.#oddByRow.size > 0 ? this.#oddByRow : undefined
    for (let row = 0; row < this.#next; row++) {
      if (odd?.has(row)) continue
      let place = hashAt(words, row * WORDS) & mask
      while (index[place] !== 0) place = (place + 1) & mask
      index[place] = row + 1
    }
    return index
  }
}

/** Word by word: an array of the four, or a part of the column as its own, would be garbage for each of 150,000 UIDs. */
function hashAt(words: Int32Array, at: number): number {
  const hash = Math.imul(
    (words[at] ?? 0) ^
      Math.imul(words[at + 1] ?? 0, 0x85ebca6b) ^
      Math.imul(words[at + 2] ?? 0, 0xc2b2ae35) ^
      (words[at + 3] ?? 0),
    0x9e3779b1,
  )
  return hash ^ (hash >>> 15)
}

const isSame = (words: Int32Array, at: number, key: Int32Array): boolean =>
  words[at] === key[0] && words[at + 1] === key[1] && words[at + 2] === key[2] && words[at + 3] === key[3]

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
