// Owns the one signal that the consumer is full: streams stop reading their sockets until it opens again.
// Promises that closing takes effect at the next chunk or page, and that nothing is dropped meanwhile.
// Does not hold frames: frame-queue.ts does.

export interface Valve {
  readonly isOpen: boolean
  open(): void
  close(): void
  /** Resolves when it is open, at once if it is. */
  opened(): Promise<void>
  /** Called at each change; returns how to stop. */
  onChange(listener: (isOpen: boolean) => void): () => void
}

export function createValve(): Valve {
  let isOpen = true
  const listeners = new Set<(isOpen: boolean) => void>()
  const set = (to: boolean): void => {
    if (isOpen === to) return
    isOpen = to
    for (const listener of listeners) listener(to)
  }
  const onChange = (listener: (isOpen: boolean) => void): (() => void) => {
    listeners.add(listener)
    return () => void listeners.delete(listener)
  }
  return {
    get isOpen() {
      return isOpen
    },
    open: () => set(true),
    close: () => set(false),
    onChange,
    opened: () => {
      if (isOpen) return Promise.resolve()
      return new Promise((resolve) => {
        const stop = onChange(() => {
          stop()
          resolve()
        })
      })
    },
  }
}
