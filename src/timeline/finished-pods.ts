// Owns which pods have started: their UIDs, until they are deleted and for a while after it.
// Promises 30 to 60 bytes a pod, and a bound. Keeps nothing else of them.

import { UidTable } from '../base/uid-table.ts'

/** Kubernetes is meant for 150,000 pods. */
const PODS_MAX = 1_000_000
/** An older version may come after the deletion, where two watches were recorded as one: as many as are deleted in some minutes. */
const DELETED_MAX = 10_000

export class FinishedPods {
  readonly #uids = new UidTable()
  /** In the order of their deletion. */
  readonly #deleted = new Set<string>()
  readonly #most: number
  /** The row that has to go next where there are too many. */
  #next = 0

  constructor(most = PODS_MAX) {
    this.#most = most
  }

  get size(): number {
    return this.#uids.size
  }

  has(uid: string): boolean {
    return this.#uids.find(uid) >= 0 || this.#deleted.has(uid)
  }

  /** Returns how many others had to be forgotten for it. */
  add(uid: string): number {
    const mustForget = this.#uids.size >= this.#most && this.#uids.find(uid) < 0
    if (mustForget) this.#forgetOne()
    this.#uids.add(uid)
    return mustForget ? 1 : 0
  }

  delete(uid: string): void {
    if (this.#uids.find(uid) < 0) return
    this.#uids.remove(uid)
    this.#deleted.add(uid)
    const [oldest] = this.#deleted
    if (this.#deleted.size > DELETED_MAX && oldest !== undefined) this.#deleted.delete(oldest)
  }

  /** Rows are given away in order and used again, so that this is one of those that came first. */
  #forgetOne(): void {
    while (!this.#uids.has(this.#next)) this.#next = (this.#next + 1) % this.#uids.rows
    this.#uids.removeRow(this.#next)
    this.#next = (this.#next + 1) % this.#uids.rows
  }
}
