// Owns a map whose values also stand in groups: pods by their owner, revisions by their workload.
// Promises the order in which they came, and those of one group without a look at the others.
// Does not bound itself.

export interface Grouped<V> {
  readonly size: number
  get(id: string): V | undefined
  has(id: string): boolean
  set(id: string, group: string, value: V): void
  delete(id: string): void
  keys(): IterableIterator<string>
  of(group: string): Iterable<V>
}

const NONE: readonly never[] = []

export function createGrouped<V>(): Grouped<V> {
  const all = new Map<string, { readonly group: string; readonly value: V }>()
  const groups = new Map<string, Map<string, V>>()
  const remove = (id: string): void => {
    const found = all.get(id)
    if (!found) return
    all.delete(id)
    const group = groups.get(found.group)
    group?.delete(id)
    if (group?.size === 0) groups.delete(found.group)
  }
  return {
    get size() {
      return all.size
    },
    get: (id) => all.get(id)?.value,
    has: (id) => all.has(id),
    set: (id, name, value) => {
      remove(id)
      all.set(id, { group: name, value })
      const group = groups.get(name)
      if (group) group.set(id, value)
      else groups.set(name, new Map([[id, value]]))
    },
    delete: remove,
    keys: () => all.keys(),
    of: (group) => groups.get(group)?.values() ?? NONE,
  }
}
