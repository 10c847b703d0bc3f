// Owns which objects of a stream exist, as UID → resourceVersion and name: enough to tell new from known, and to find what is gone.
// Promises about 70 bytes an object, none of which a garbage collection has to walk, and that an unchanged object is delivered once.
// Does not keep objects. Mutable, since a copy per frame of 60,000 entries would be absurd; it belongs to one stream.

import type { AnyRecord } from '../base/record.ts'
import { versionNumber } from '../base/resource-version.ts'
import { grown, TextColumn } from '../base/text-column.ts'
import { UidTable } from '../base/uid-table.ts'
import type { WatchType } from '../decode/result.ts'

export interface KnownObject {
  readonly uid: string
  readonly resourceVersion: string
  readonly namespace: string
  readonly name: string
}

export class KnownObjects {
  readonly #uids = new UidTable()
  /** `NAMESPACE/NAME` */
  readonly #names = new TextColumn()
  /** NaN where it is no number that a double holds: `#oddVersions` has it then. */
  #versions = new Float64Array(this.#uids.rows)
  readonly #oddVersions = new Map<number, string>()
  /** The list that showed a row last. */
  #sweeps = new Uint32Array(this.#uids.rows)
  #sweep = 0
  /** Something was known when the list began: not so of the first, which is the longest. */
  #mayMiss = false

  get size(): number {
    return this.#uids.size
  }

  /** What this version of an object is to a reader who has seen all earlier ones; undefined where it is nothing new. */
  observe(type: WatchType, record: AnyRecord): 'added' | 'modified' | 'deleted' | undefined {
    if (type === 'DELETED') {
      this.#remove(record.uid)
      return 'deleted'
    }
    const { uid, resourceVersion, namespace, name } = record
    const known = this.#uids.find(uid)
    if (known >= 0) {
      this.#sweeps[known] = this.#sweep
      return this.#setVersion(known, resourceVersion) ? 'modified' : undefined
    }
    const row = this.#uids.add(uid)
    if (row >= this.#versions.length) this.#grow()
    this.#names.set(row, `${namespace}/${name}`)
    this.#versions[row] = 0
    this.#setVersion(row, resourceVersion)
    this.#sweeps[row] = this.#sweep
    return 'added'
  }

  /** A list begins: whatever it does not show before `sweepMissing` is gone. A list that breaks off is simply begun again. */
  beginSweep(): void {
    this.#sweep += 1
    this.#mayMiss = this.#uids.size > 0
  }

  /** Removes and returns what the finished list did not show, in the order of rows. */
  sweepMissing(): readonly KnownObject[] {
    const missing: KnownObject[] = []
    if (!this.#mayMiss) return missing
    for (let row = 0; row < this.#uids.rows; row++) {
      if (!this.#uids.has(row) || this.#sweeps[row] === this.#sweep) continue
      missing.push(this.#objectOf(row))
    }
    for (const { uid } of missing) this.#remove(uid)
    return missing
  }

  #remove(uid: string): void {
    const row = this.#uids.remove(uid)
    if (row < 0) return
    this.#names.remove(row)
    this.#oddVersions.delete(row)
  }

  /** Whether it is another one. */
  #setVersion(row: number, version: string): boolean {
    const number = versionNumber(version)
    if (number !== undefined) {
      if (this.#versions[row] === number) return false
      if (Number.isNaN(this.#versions[row])) this.#oddVersions.delete(row)
      this.#versions[row] = number
      return true
    }
    if (this.#oddVersions.get(row) === version) return false
    this.#versions[row] = Number.NaN
    this.#oddVersions.set(row, version)
    return true
  }

  #objectOf(row: number): KnownObject {
    const place = this.#names.get(row)
    const slash = place.indexOf('/')
    return {
      uid: this.#uids.uidOf(row),
      resourceVersion: this.#oddVersions.get(row) ?? String(this.#versions[row]),
      namespace: place.slice(0, slash),
      name: place.slice(slash + 1),
    }
  }

  #grow(): void {
    const { rows } = this.#uids
    this.#versions = grown(new Float64Array(rows), this.#versions)
    this.#sweeps = grown(new Uint32Array(rows), this.#sweeps)
  }
}
