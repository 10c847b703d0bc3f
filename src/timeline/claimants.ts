// Owns which pods have claims, by name: messages about a volume name its users.
// Promises some 80 bytes a pod, none of which a garbage collection has to walk, and a bound. Knows of each name the last pod only.

import { grown, TextColumn } from '../base/text-column.ts'
import { UidTable } from '../base/uid-table.ts'

/** Pods with claims are a part of a cluster's; of more than these, the ones seen first are not linked. */
const PODS_MAX = 50_000
/** Of namespace and name, whose limits are 63 and 253; what is longer came from no API server. */
const NAME_LONGEST = 400

export class Claimants {
  readonly #uids = new UidTable()
  /** `NAMESPACE/NAME` */
  readonly #names = new TextColumn()
  /** Of its name, so that others need not be read. */
  #hashes = new Int32Array(this.#uids.rows)
  /** Names by hash, as chains: the first row + 1 of each, and which row + 1 comes after a row; 0 at the end. */
  #firsts = new Int32Array(this.#uids.rows)
  #afters = new Int32Array(this.#uids.rows)
  readonly #most: number
  /** The row that has to go next where there are too many. */
  #next = 0

  constructor(most = PODS_MAX) {
    this.#most = most
  }

  get(name: string): string | undefined {
    const row = this.#find(name, hashOf(name))
    return row < 0 ? undefined : this.#uids.uidOf(row)
  }

  /** Returns how many others had to be forgotten for it. */
  set(name: string, uid: string): number {
    if (name.length > NAME_LONGEST) return 0
    const hash = hashOf(name)
    const before = this.#find(name, hash)
    const known = this.#uids.find(uid)
    if (before >= 0 && before === known) return 0
    if (before >= 0) this.#remove(before)
    if (known >= 0) this.#remove(known)
    const isFull = this.#uids.size >= this.#most
    if (isFull) this.#forgetOne()
    this.#add(name, hash, uid)
    return isFull ? 1 : 0
  }

  #find(name: string, hash: number): number {
    let row = (this.#firsts[this.#chainOf(hash)] ?? 0) - 1
    while (row >= 0 && (this.#hashes[row] !== hash || this.#names.get(row) !== name))
      row = (this.#afters[row] ?? 0) - 1
    return row
  }

  #add(name: string, hash: number, uid: string): void {
    const row = this.#uids.add(uid)
    if (row >= this.#hashes.length) this.#grow()
    this.#names.set(row, name)
    this.#hashes[row] = hash
    this.#link(row)
  }

  #link(row: number): void {
    const chain = this.#chainOf(this.#hashes[row] ?? 0)
    this.#afters[row] = this.#firsts[chain] ?? 0
    this.#firsts[chain] = row + 1
  }

  #remove(row: number): void {
    const chain = this.#chainOf(this.#hashes[row] ?? 0)
    const after = this.#afters[row] ?? 0
    if (this.#firsts[chain] === row + 1) this.#firsts[chain] = after
    else {
      let before = (this.#firsts[chain] ?? 0) - 1
      while (this.#afters[before] !== row + 1) before = (this.#afters[before] ?? 0) - 1
      this.#afters[before] = after
    }
    this.#names.remove(row)
    this.#uids.removeRow(row)
  }

  /** Rows are given away in order and used again, so that this is one of those that came first. */
  #forgetOne(): void {
    while (!this.#uids.has(this.#next)) this.#next = (this.#next + 1) % this.#uids.rows
    this.#remove(this.#next)
    this.#next = (this.#next + 1) % this.#uids.rows
  }

  #grow(): void {
    const { rows } = this.#uids
    const before = this.#hashes.length
    this.#hashes = grown(new Int32Array(rows), this.#hashes)
    this.#firsts = new Int32Array(rows)
    this.#afters = new Int32Array(rows)
    for (let row = 0; row < before; row++) if (this.#uids.has(row)) this.#link(row)
  }

  #chainOf(hash: number): number {
    return hash & (this.#firsts.length - 1)
  }
}

function hashOf(text: string): number {
  let hash = text.length
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  return hash ^ (hash >>> 15)
}
