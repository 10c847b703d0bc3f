// Owns what the API server's version means for the evidence there is.
// Promises one row per difference that changes a trace's precision, in words for users; from the sources of 1.28 to 1.37.
// Does not ask the server anything.

export interface Difference {
  readonly holds: boolean
  /** With the versions it is true of. */
  readonly text: string
}

interface Rule {
  readonly from: number
  /** Minor versions at or above `from` where it is off again. */
  readonly except?: readonly number[]
  readonly gives: string
}

const RULES: readonly Rule[] = [
  { from: 30, gives: 'events say how large a pulled image is' },
  {
    from: 30,
    gives: "a kubelet's own spans show each call to the container runtime, where its tracing is on",
  },
  { from: 32, gives: 'failing probes no longer use up the 25 events that tell of pulls and containers' },
  { from: 32, except: [33], gives: 'first lists come as a stream (WatchList), which spares the API server' },
  { from: 36, gives: 'a pod says at once when its sandbox and network are up, also without events' },
  {
    from: 36,
    gives: "a pod's trace context can be put into the pod without a webhook (MutatingAdmissionPolicy v1)",
  },
]

/** Undefined where the version cannot be read. */
export function minorOf(version: string): number | undefined {
  const match = /^v?1\.(\d+)/.exec(version)
  return match ? Number(match[1]) : undefined
}

export function differencesOf(minor: number): Difference[] {
  return RULES.map(({ from, except, gives }) => ({
    holds: minor >= from && !except?.includes(minor),
    text: `${gives} (since 1.${from}${except ? `, not in ${except.map((each) => `1.${each}`).join(', ')}` : ''})`,
  }))
}

/** What Podspan was tested with. */
export const TESTED = { from: 30, to: 37 } as const

export const isTested = (minor: number): boolean => minor >= TESTED.from && minor <= TESTED.to
