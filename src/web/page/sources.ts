// Owns the words for what each kind of evidence is and what it says, as docs/spans.md has them.
// Promises a word for every source that the server may name. Does not rank: the server's `source` is the one that won.

interface Words {
  /** What it was read from. */
  readonly from: string
  /** What it says of the boundary. */
  readonly says: string
}

const SOURCES: Readonly<Record<string, Words>> = {
  'event-name': {
    from: "the nanoseconds in an event's name, by the component's own clock",
    says: 'recorded within milliseconds after it happened; nothing that Kubernetes writes is finer',
  },
  'event-time': {
    from: "an event's own time, in microseconds",
    says: 'recorded within milliseconds after it happened',
  },
  'event-second': { from: "an event's whole second", says: 'it happened within that second' },
  'event-receipt': {
    from: 'the moment at which the watch showed the event',
    says: 'it had happened by then',
  },
  'watch-receipt': {
    from: 'the moment at which the watch showed what the API server had stored',
    says: 'stored by then, and hardly earlier than the watch is late; the store’s own order bounds it further',
  },
  'status-receipt': {
    from: "the moment at which the watch showed the kubelet's status",
    says: 'it had happened by then; the kubelet may have held it back',
  },
  'list-receipt': { from: 'a list', says: 'it had happened by then' },
  'creation-second': { from: 'metadata.creationTimestamp', says: 'stored not before that second' },
  'condition-second': { from: 'the whole second of a condition', says: 'it happened within that second' },
  'state-second': { from: "the whole second of a container's state", says: 'it happened within that second' },
  'start-second': {
    from: 'the second in which the kubelet took the pod',
    says: 'it happened within that second',
  },
  'deletion-second': {
    from: 'the second in which deletion was asked for',
    says: 'it happened within that second',
  },
  'field-manager-second': {
    from: "the second of the kubelet's last write",
    says: 'it happened not after that second',
  },
  'config-seen': { from: 'the moment at which the kubelet saw the manifest', says: 'exact' },
  'pull-duration': {
    from: "the pull's own duration, taken off its end",
    says: 'right within some milliseconds',
  },
  'native-span': { from: "the component's own span", says: 'the component itself said so' },
  order: {
    from: 'nothing of its own',
    says: 'it lies between what must have come before and what must have come after',
  },
}

export const wordsOfSource = (source: string): Words => SOURCES[source] ?? { from: source, says: '' }

/** Why this one counts, with so many beside it. */
export function whyWon(source: string, others: number): string {
  const { from, says } = wordsOfSource(source)
  if (source === 'order') return 'No stamp says when. It lies between what must have come before and after.'
  const rank = others === 0 ? 'the only evidence' : `the finest of ${others + 1} pieces of evidence`
  return `From ${from}: ${rank}. ${says.charAt(0).toUpperCase()}${says.slice(1)}.`
}
