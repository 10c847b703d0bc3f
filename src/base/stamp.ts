// Owns the form of one dated piece of evidence: when, by whose clock, how fine, and where it was read.
// Promises nothing about the boundary it belongs to. Does not combine: timeline/combine.ts does.

import type { DurationNano, UnixNano } from './time.ts'

/** Whose clock wrote a stamp. A kubelet and its runtime share their node's; an autoscaler runs on a machine of its own. */
export type ClockName =
  | 'apiserver'
  | 'scheduler'
  | 'controller'
  | 'observer'
  | `controller/${string}`
  | `node/${string}`

/** The kinds of evidence that a stamp may be; docs/spans.md says what each is worth. */
export type StampSource =
  /** The nanoseconds in an event's name. */
  | 'event-name'
  /** An event's `eventTime`, in microseconds. */
  | 'event-time'
  /** An event's `firstTimestamp` or `lastTimestamp`, in seconds. */
  | 'event-second'
  /** When the watch showed us an event, or a repeat of it. */
  | 'event-receipt'
  /** When the watch showed us what the API server had just stored. */
  | 'watch-receipt'
  /** When the watch showed us a status that its writer may have held back. */
  | 'status-receipt'
  /** When a list showed us that it had happened. */
  | 'list-receipt'
  | 'creation-second'
  | 'deletion-second'
  | 'condition-second'
  | 'start-second'
  | 'state-second'
  /** The last write of the kubelet's status, by the API server's clock. */
  | 'field-manager-second'
  /** `kubernetes.io/config.seen` of a static pod. */
  | 'config-seen'
  /** A `Pulled` event's own duration, subtracted from its moment. */
  | 'pull-duration'
  /** A native span of the component. */
  | 'native-span'
  /** No stamp of its own: only what must have come before and after. */
  | 'order'

/** The object, field and raw value that a stamp was read from. */
export interface Evidence {
  /** `pods/NAMESPACE/NAME`, `events/NAMESPACE/NAME`, … */
  readonly object: string
  readonly resourceVersion: string
  readonly field: string
  readonly raw: string
}

/** One stamp that contributed to an instant. */
export interface Stamp {
  readonly source: StampSource
  readonly at: UnixNano
  readonly clock: ClockName
  readonly resolution: DurationNano
  readonly evidence: Evidence
  /** When we received it, for the clock model; absent where it came from a list. */
  readonly receivedAt?: UnixNano | undefined
}
