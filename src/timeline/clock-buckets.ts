// Owns what was seen of one clock's offset, by quarter minutes: the least and the greatest that samples and causality allow.
// Promises that samples may come in any order within their quarter minute, and 4 KB at the most: a cluster has 5,000 of these.
// Does not judge what an offset means: clocks.ts does.

/** Offsets are nanoseconds to add to a clock's stamp to get our time; below 2^53 for 104 days, so a double holds them. */
export type OffsetNs = number

/** 16 minutes: longer than the default start timeout, so that a start is judged with the clocks of its own time. */
const BUCKETS_MAX = 64
const FEWEST_BUCKETS = 4
/** Samples beyond this make a clock no better known. */
export const ENOUGH = 10

/** Numbers of a bucket, from its place times `WIDTH`. */
const INDEX = 0
/** No sample allows more: the least (receipt − stamp). */
const UPPER = 1
/** The greatest (receipt − stamp). */
const GREATEST = 2
/** Causality allows no less: the greatest (not before − stamp). */
const LOWER = 3
/** How far the least sample's stamp was cut, or its receipt held up: it looks later by that than it was. */
const CUT = 4
const WIDTH = 5

/** Words of a bucket: how many slots have a live sample, whether a node's Lease is among them, and the slots. */
const COUNT = 0
const LEASES = 1
const SLOTS = 2
const WORDS = SLOTS + ENOUGH

export interface BucketSample {
  /** Which quarter minute, since the epoch, and which twentieth of a second in it: a frame that comes twice counts once. */
  readonly index: number
  readonly slot: number
  readonly offset: OffsetNs
  readonly cut: OffsetNs
  readonly lease: boolean
  /** Its stamp may be hours old: it is no sign of a jump. */
  readonly repeat: boolean
}

export interface Gathered {
  upper: OffsetNs
  greatest: OffsetNs
  lower: OffsetNs
  samples: number
  cut: OffsetNs
  leases: boolean
}

export class ClockBuckets {
  /** A ring: a bucket lies at its index modulo the capacity, which is a power of two. */
  #capacity = FEWEST_BUCKETS
  #numbers = new Float64Array(FEWEST_BUCKETS * WIDTH).fill(Number.NaN)
  #words = new Uint16Array(FEWEST_BUCKETS * WORDS)

  /** How much memory its columns take. */
  get bytes(): number {
    return this.#numbers.byteLength + this.#words.byteLength
  }

  /** Takes a sample in; whether anything is known better for it, and how far the samples of its bucket lie apart. */
  sample({ index, slot, offset, cut, lease, repeat }: BucketSample): { changed: boolean; spread: OffsetNs } {
    const place = this.#open(index)
    if (place < 0) return { changed: false, spread: 0 }
    const numbers = this.#numbers
    const words = this.#words
    const [at, word] = [place * WIDTH, place * WORDS]
    let spread = 0
    if (!repeat && offset > (numbers[at + GREATEST] ?? 0)) {
      numbers[at + GREATEST] = offset
      spread = offset - (numbers[at + UPPER] ?? 0)
    }
    const count = words[word + COUNT] ?? 0
    const least = numbers[at + UPPER] ?? 0
    if (count >= ENOUGH && offset >= least && (words[word + LEASES] === 1 || !lease))
      return { changed: false, spread }
    if (offset < least) {
      numbers[at + UPPER] = offset
      numbers[at + CUT] = cut
    }
    if (lease) words[word + LEASES] = 1
    if (count < ENOUGH) this.#occupy(word, count, slot)
    return { changed: true, spread }
  }

  #occupy(word: number, count: number, slot: number): void {
    const end = word + SLOTS + count
    for (let at = word + SLOTS; at < end; at++) if (this.#words[at] === slot) return
    this.#words[end] = slot
    this.#words[word + COUNT] = count + 1
  }

  /** Causality allows no less than this; whether that is new. */
  bound(index: number, offset: OffsetNs): boolean {
    const place = this.#open(index)
    if (place < 0 || offset <= (this.#numbers[place * WIDTH + LOWER] ?? 0)) return false
    this.#numbers[place * WIDTH + LOWER] = offset
    return true
  }

  /** What is known of a quarter minute and as many as `reach` to either side. */
  gather(index: number, reach: number): Gathered {
    const found: Gathered = {
      upper: Infinity,
      greatest: -Infinity,
      lower: -Infinity,
      samples: 0,
      cut: 0,
      leases: false,
    }
    for (let near = index - reach; near <= index + reach; near++) {
      const place = near & (this.#capacity - 1)
      const at = place * WIDTH
      if (this.#numbers[at + INDEX] !== near) continue
      const upper = this.#numbers[at + UPPER] ?? 0
      if (upper < found.upper) {
        found.upper = upper
        found.cut = this.#numbers[at + CUT] ?? 0
      }
      found.greatest = Math.max(found.greatest, this.#numbers[at + GREATEST] ?? 0)
      found.lower = Math.max(found.lower, this.#numbers[at + LOWER] ?? 0)
      found.samples += this.#words[place * WORDS + COUNT] ?? 0
      found.leases ||= this.#words[place * WORDS + LEASES] === 1
    }
    return found
  }

  /** The place of this bucket, which is made if need be; -1 where it is too old to be kept. */
  #open(index: number): number {
    for (;;) {
      const place = index & (this.#capacity - 1)
      const there = this.#numbers[place * WIDTH + INDEX] ?? Number.NaN
      if (there === index) return place
      if (Number.isNaN(there)) return this.#begin(place, index)
      if (Math.abs(index - there) < BUCKETS_MAX && this.#capacity < BUCKETS_MAX) this.#grow()
      else return there > index ? -1 : this.#begin(place, index)
    }
  }

  #begin(place: number, index: number): number {
    const at = place * WIDTH
    this.#numbers[at + INDEX] = index
    this.#numbers[at + UPPER] = Infinity
    this.#numbers[at + GREATEST] = -Infinity
    this.#numbers[at + LOWER] = -Infinity
    this.#numbers[at + CUT] = 0
    this.#words.fill(0, place * WORDS, (place + 1) * WORDS)
    return place
  }

  #grow(): void {
    const [numbers, words, capacity] = [this.#numbers, this.#words, this.#capacity]
    this.#capacity = capacity * 2
    this.#numbers = new Float64Array(this.#capacity * WIDTH).fill(Number.NaN)
    this.#words = new Uint16Array(this.#capacity * WORDS)
    for (let from = 0; from < capacity; from++) {
      const index = numbers[from * WIDTH + INDEX] ?? Number.NaN
      if (Number.isNaN(index)) continue
      const to = index & (this.#capacity - 1)
      this.#numbers.set(numbers.subarray(from * WIDTH, (from + 1) * WIDTH), to * WIDTH)
      this.#words.set(words.subarray(from * WORDS, (from + 1) * WORDS), to * WORDS)
    }
  }
}
