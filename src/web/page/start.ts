// Owns the form of one start as the server sends it (`start/v1` of docs/output.md), as far as the page reads it.
// Promises times as ms since the start was created, exact to the nanosecond that the text has. Does not draw.

export interface Evidence {
  readonly source: string
  readonly time: string
  readonly clock: string
  readonly resolutionMs: number
  readonly object: string
  readonly resourceVersion: string
  readonly field: string
  readonly raw: string
}

export interface Boundary {
  readonly time: string
  readonly earlyMs: number
  readonly lateMs: number
  readonly source: string
  readonly conflict?: boolean
  readonly clamped?: boolean
  readonly shiftedMs?: number
  readonly evidence: readonly Evidence[]
}

export type Attributes = Readonly<Record<string, string | number | boolean | readonly string[]>>

export interface SpanJson {
  readonly spanId: string
  readonly parentSpanId?: string
  readonly name: string
  readonly actor: string
  readonly subject?: string
  readonly attempt?: number
  readonly error?: string
  readonly start: Boundary
  readonly end: Boundary
  readonly durationMs: number
  readonly critical: readonly { readonly from: string; readonly to: string }[]
  readonly attributes: Attributes
  readonly events: readonly {
    readonly time: string
    readonly name: string
    readonly attributes: Attributes
  }[]
  readonly links: readonly {
    readonly traceId: string
    readonly spanId: string
    readonly attributes: Attributes
  }[]
  /** Told by who is named as the actor, not by Podspan. */
  readonly isNative?: true
}

/** A span of another component that was joined. */
export interface NativeJson {
  readonly service: string
  readonly name: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly start: string
  readonly end: string
  readonly durationMs: number
  readonly error?: string
  readonly attributes: Attributes
}

export interface StartJson {
  readonly traceId: string
  readonly uid: string
  readonly namespace: string
  readonly name: string
  readonly node?: string
  readonly workload?: string
  readonly revision?: string
  readonly cause: string
  readonly created: string
  readonly outcome: string
  readonly verdict: string
  readonly startupMs: number
  readonly explainedRatio: number
  readonly evidenceComplete: boolean
  readonly spans: readonly SpanJson[]
  readonly native?: readonly NativeJson[]
  readonly before?: readonly { readonly traceId: string; readonly spans: readonly SpanJson[] }[]
}

export interface Hold {
  readonly kind: string
  readonly lengthMs: number
  readonly because?: string
  readonly operation?: string
}

/** `rollout/v1`, as far as the page reads it. */
export interface RolloutJson {
  readonly kind: string
  readonly name: string
  readonly namespace: string
  readonly revision?: string
  readonly hash?: string
  readonly outcome: string
  readonly failure?: string
  readonly verdict: string
  readonly lengthMs: number
  readonly wanted?: number
  readonly waves: number
  readonly atOnce: number
  readonly cause: {
    readonly kind: string
    readonly by?: string
    readonly words?: string
    readonly differences: readonly { readonly path: string; readonly from?: string; readonly to?: string }[]
  }
  readonly limits: Readonly<Record<string, string | number | boolean>>
  readonly shares: readonly {
    readonly kind: string
    readonly operation?: string
    readonly words: string
    readonly lengthMs: number
    readonly share: number
    readonly pods: readonly string[]
  }[]
  readonly pods: readonly { readonly uid: string; readonly name: string; readonly outcome: string }[]
  readonly missing: readonly string[]
}

const NANOS_PER_MS = 1e6

/** RFC 3339 with nine digits; JavaScript's own dates stop at the millisecond. */
export function nanosOf(time: string): bigint {
  const [, whole = '', fraction = ''] = /^(.*?)(?:\.(\d+))?Z$/.exec(time) ?? []
  const seconds = BigInt(Math.floor(Date.parse(`${whole}Z`) / 1000))
  return seconds * 1_000_000_000n + BigInt(fraction.padEnd(9, '0').slice(0, 9))
}

export const msAfter = (time: string, origin: bigint): number => Number(nanosOf(time) - origin) / NANOS_PER_MS
