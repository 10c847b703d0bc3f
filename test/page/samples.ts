// Owns what the page's tests show: recorded starts and rollouts, thousands of them, long and short ones, and hostile ones.
// Promises the same each time. Does not serve.

import { createFeed } from '../../src/cli/rollout-feed.ts'
import { rolloutsSeen } from '../../src/cli/rollout-recordings.ts'
import type { Rollout } from '../../src/rollout/rollout.ts'
import { createPipeline } from '../../src/trace/pipeline.ts'
import type { Span, Trace } from '../../src/trace/trace.ts'
import { framesOf } from '../rollout/replay.ts'
import { moved, plain, uidOfNumber } from './moved.ts'

export interface Sample {
  readonly traces: readonly Trace[]
  readonly rollouts: readonly Rollout[]
}

export async function recorded(names: readonly string[]): Promise<Sample> {
  const traces = new Map<string, Trace>()
  const rollouts: Rollout[] = []
  for (const name of names) {
    const feed = createFeed(createPipeline, {})
    for (const frame of await framesOf(name))
      for (const trace of feed.pipeline.push(frame)) traces.set(trace.traceId, trace)
    rollouts.push(...rolloutsSeen(feed))
  }
  return { traces: [...traces.values()], rollouts }
}

/** What every view has something to show of: pulls, containers, failures, volumes, new nodes, rollouts. */
export const USUAL = [
  'burst',
  'crash-loop',
  'image-missing',
  'init-sidecar-readiness',
  'many-events',
  'node-shared',
  'pulls',
  'rollout-budget',
  'rollout-slower',
  'rollout-quota',
  'volume-fails',
] as const

export const traceNamed = ({ traces }: Sample, name: string): Trace => {
  const trace = traces.find((one) => one.name === name)
  if (!trace)
    throw new Error(
      `no start of ${name} in the sample; there are ${traces.map((one) => one.name).join(', ')}`,
    )
  return trace
}

const WORKLOADS = ['checkout', 'cart', 'search', 'mail', 'images', 'ledger', 'prices', 'stock'] as const

/** So many starts of one afternoon, on eight workloads, twenty nodes and six revisions. */
export function many({ traces }: Sample, count: number): Trace[] {
  const good = traces.filter(({ outcome }) => outcome === 'ready')
  const first = good[0]?.created ?? 0n
  return Array.from({ length: count }, (_, number) => {
    const original = good[(number * 7) % good.length] as Trace
    const workload = WORKLOADS[number % WORKLOADS.length] ?? 'web'
    const revision = `${6 - (number % 6)}d8f7c9b`
    const identity = {
      uid: uidOfNumber(number + 1),
      namespace: number % 3 === 0 ? 'shop' : 'search',
      name: `${workload}-${revision}-${number.toString(36).padStart(5, 'x')}`,
      workload: `Deployment/${workload}`,
      node: `node-${number % 20}`,
      revision,
    }
    const byMs = Number((first - original.created) / 1_000_000n) + number * 2600
    return moved(original, identity, byMs, 0.3 + ((number * 13) % 17) / 10)
  })
}

const HTML = '<img src=x onerror="window.harmed=1"><script>window.harmed=1</script>'
const TURNED = '\u202egnp.exe\u202c\u2066\u200f'
const CONTROL = 'a\u0000b\u0007c\u001b[31md\u0085e\u2028f'
const LONG = 'very-long-'.repeat(1000)

/** Names, messages and attributes that would break a page which takes them for more than text. */
export function hostile(trace: Trace): Trace[] {
  return [HTML, TURNED, CONTROL, LONG, '"><svg onload=harmed=1>', '{{7*7}}${7*7}', '../../etc/passwd'].map(
    (text, number) => {
      const identity = {
        uid: uidOfNumber(900 + number),
        namespace: `ns ${text}`,
        name: `pod ${text}`,
        workload: `Deployment/${text}`,
        node: `node ${text}`,
        revision: text,
        verdict: `Ready after 1 s; ${text}`,
      }
      return withText(moved(trace, identity, number * 1000), text)
    },
  )
}

const withText = (trace: Trace, text: string): Trace => ({
  ...trace,
  cause: text,
  spans: trace.spans.map(
    (span): Span => ({
      ...span,
      subject: text,
      actor: `actor ${text}`,
      error: text,
      attributes: { ...span.attributes, [text]: text, 'k8s.container.name': text },
      events: [{ at: span.start.best, name: text, attributes: { 'podspan.reason': text } }],
      links: [
        {
          traceId: trace.traceId,
          spanId: span.spanId,
          attributes: { 'podspan.link': text, 'k8s.pod.name': text },
        },
      ],
      start: {
        ...span.start,
        stamps: span.start.stamps.map((stamp) => ({
          ...plain(stamp),
          evidence: { object: text, resourceVersion: text, field: text, raw: text },
        })),
      },
    }),
  ),
})
