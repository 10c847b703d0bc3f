// Owns a binary heap: the least item of many, in logarithmic time.
// Promises that pop returns an item below which no other one is, by the order given.
// Does not support removal from the middle; its user skips what is gone.

export interface Heap<T> {
  readonly size: number
  push(item: T): void
  pop(): T | undefined
}

export function createHeap<T>(isLess: (a: T, b: T) => boolean, initial: readonly T[] = []): Heap<T> {
  const items: T[] = []
  const push = (item: T): void => {
    let at = items.length
    while (at > 0) {
      const above = (at - 1) >> 1
      const parent = items[above]
      if (parent === undefined || !isLess(item, parent)) break
      items[at] = parent
      at = above
    }
    items[at] = item
  }
  for (const item of initial) push(item)
  return {
    get size() {
      return items.length
    },
    push,
    pop: () => {
      const least = items[0]
      const last = items.pop()
      if (items.length > 0 && last !== undefined) sink(items, last, isLess)
      return least
    },
  }
}

/** Puts the item at the top and lets it fall below its smaller children. */
function sink<T>(items: T[], item: T, isLess: (a: T, b: T) => boolean): void {
  let at = 0
  for (;;) {
    const left = items[2 * at + 1]
    if (left === undefined) break
    const right = items[2 * at + 2]
    const isRight = right !== undefined && isLess(right, left)
    const child = isRight ? right : left
    if (!isLess(child, item)) break
    items[at] = child
    at = 2 * at + (isRight ? 2 : 1)
  }
  items[at] = item
}
