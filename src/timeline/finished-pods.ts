// Owns which pods have started: their UIDs, until they are deleted.
// Promises 30 to 60 bytes a pod, and a bound. Keeps nothing else of them.

import { UidTable } from '../base/uid-table.ts'

/** Kubernetes is meant for 150,000 pods. */
const PODS_MAX = 1_000_000

export class FinishedPods {
  readonly #uids = new UidTable()
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
    return this.#uids.find(uid) >= 0
  }

  /** Returns how many others had to be forgotten for it. */
  add(uid: string): number {
    const mustForget = this.#uids.size >= this.#most && this.#uids.find(uid) < 0
    if (mustForget) this.#forgetOne()
    this.#uids.add(uid)
    return mustForget ? 1 : 0
  }

  delete(uid: string): void {
    this.#uids.remove(uid)
  }

  /** Rows are given away in order and used again, so that this is one of those that came first. */
  #forgetOne(): void {
    while (!this.#uids.has(this.#next)) this.#next = (this.#next + 1) % this.#uids.rows
    this.#uids.removeRow(this.#next)
    this.#next = (this.#next + 1) % this.#uids.rows
  }
}
