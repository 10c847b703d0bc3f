// Owns the page's only contact with the browser's clock and timers.
// Promises that what is called again and again stops when it is told so. Does not interpret time.

let offsetMs = 0

/** By the server's clock, which dates what is in flight: the reader's may be off. */
export const now = (): number => Date.now() + offsetMs

export function setClock(serverMs: number): void {
  offsetMs = serverMs - Date.now()
}

/** Calls until it is told to stop; not while the page is out of sight, where nobody sees the difference. */
export function every(delayMs: number, call: () => void): () => void {
  const timer = setInterval(() => {
    if (!document.hidden) call()
  }, delayMs)
  return () => clearInterval(timer)
}

export const after = (delayMs: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, delayMs))

/** The last of many calls, once they have stopped coming. */
export function settled(delayMs: number, call: () => void): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined
  return () => {
    clearTimeout(timer)
    timer = setTimeout(call, delayMs)
  }
}
