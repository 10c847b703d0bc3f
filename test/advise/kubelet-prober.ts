// Owns a kubelet's probe worker as its source has it (pkg/kubelet/prober/worker.go, 1.36): when it looks, and when it sees a container ready.
// Promises whole lives from the same few numbers, so that a change of settings can be lived again and compared. Milliseconds.
// Does not share code with src/advise/probe-timing.ts, which reasons backwards from what was seen.

export interface Life {
  readonly kind: 'readiness' | 'startup probe'
  readonly periodMs: number
  readonly delaySeconds: number
  readonly successThreshold: number
  /** When the kubelet took the pod up: the worker's first look. */
  readonly takenUp: number
  readonly started: number
  /** When the first status showed the container running. */
  readonly shown: number
  /** From when on it would have answered. */
  readonly ready: number
}

export interface Seen {
  readonly seen: number
  readonly failures: number
}

export function live(life: Life): Seen {
  const { periodMs, delaySeconds, successThreshold, started, shown, ready } = life
  // A readiness worker is asked to look when the status is made, and its ticker begins anew; a startup worker's is never touched.
  const phase = life.kind === 'readiness' ? shown : life.takenUp
  let failures = 0
  let passed = 0
  for (let look = phase; ; look += periodMs) {
    if (look < shown) continue
    // The status holds whole seconds, and whole seconds since are compared.
    if (Math.floor((look - Math.floor(started / 1000) * 1000) / 1000) < delaySeconds) continue
    if (look < ready) {
      failures++
      passed = 0
    } else if (++passed === successThreshold) return { seen: look, failures }
  }
}
