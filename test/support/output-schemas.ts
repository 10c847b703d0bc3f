// Owns the schemas of everything that `--output json` prints, one for each form; docs/schema/ is made from them.
// Promises to know every field: a document with one more, or with one of another type, does not pass. Does not know the commands.

import { z } from 'zod'

const time = z.iso.datetime({ precision: 9 }).describe('RFC 3339, UTC')
const ms = z.number().describe('milliseconds')
const text = z.string()
const count = z.int().min(0)
const share = z.number().min(0).max(1)
const traceId = z.string().regex(/^[0-9a-f]{32}$/)
const spanId = z.string().regex(/^[0-9a-f]{16}$/)
const byName = <T extends z.ZodType>(value: T) => z.record(z.string(), value)
const attributes = byName(z.union([z.string(), z.number(), z.boolean(), z.array(z.string())]))
const outcome = z.enum(['ready', 'unstable', 'completed', 'failed', 'deleted', 'timeout', 'starting'])

const boundary = {
  time,
  earlyMs: ms,
  lateMs: ms,
  source: text,
  conflict: z.literal(true).optional(),
  clamped: z.literal(true).optional(),
  shiftedMs: ms.optional(),
}
const evidence = z.array(
  z.strictObject({
    source: text,
    time,
    clock: text,
    resolutionMs: ms,
    object: text,
    resourceVersion: text,
    field: text,
    raw: text,
  }),
)
const proven = z.strictObject({ ...boundary, evidence })
const place = z.strictObject(boundary)

const span = z.strictObject({
  spanId,
  parentSpanId: spanId.optional(),
  name: text,
  actor: text,
  subject: text.optional(),
  attempt: count.optional(),
  error: text.optional(),
  start: proven,
  end: proven,
  durationMs: ms,
  critical: z.array(z.strictObject({ from: time, to: time })),
  attributes,
  events: z.array(z.strictObject({ time, name: text, attributes })),
  links: z.array(z.strictObject({ traceId, spanId, attributes })),
})

const native = z.strictObject({
  service: text,
  name: text,
  spanId,
  parentSpanId: spanId.optional(),
  start: time,
  end: time,
  durationMs: ms,
  error: text.optional(),
  attributes: byName(z.unknown()),
})

const owner = z.strictObject({
  apiVersion: text,
  kind: text,
  name: text,
  uid: text,
  controller: z.boolean().optional(),
})

export const START = z.strictObject({
  podspan: z.literal('start/v1'),
  traceId,
  uid: text,
  namespace: text,
  name: text,
  node: text.optional(),
  workload: text.optional(),
  owners: z.array(owner),
  labels: byName(text),
  revision: text.optional(),
  created: time,
  cause: text,
  requests: byName(z.number()).optional(),
  outcome,
  verdict: text,
  startupMs: ms,
  explainedRatio: share,
  evidenceComplete: z.boolean(),
  resource: attributes,
  spans: z.array(span).min(1),
  native: z.array(native).optional(),
  before: z
    .array(z.strictObject({ traceId, workload: text.optional(), resource: attributes, spans: z.array(span) }))
    .optional(),
})

const hold = z.strictObject({
  kind: text,
  from: time,
  to: time,
  lengthMs: ms,
  actor: text,
  pod: text.optional(),
  podUid: text.optional(),
  operation: text.optional(),
  spanId: spanId.optional(),
  because: z.enum(['budget', 'ordered', 'parallelism', 'Recreate', 'last']).optional(),
  message: text.optional(),
})

const rolloutPod = z.strictObject({
  uid: text,
  name: text,
  node: text.optional(),
  wave: count,
  outcome: z.enum([...outcome.options, 'unknown']),
  failed: text.optional(),
  traceId: traceId.optional(),
  created: place,
  ready: place.optional(),
  available: place.optional(),
  finished: place.optional(),
  startupMs: ms.optional(),
  verdict: text.optional(),
})

const limits = z.strictObject({
  strategy: text.optional(),
  maxSurge: count.optional(),
  maxUnavailable: count.optional(),
  ordered: z.boolean().optional(),
  parallelism: count.optional(),
  minReadySeconds: count.optional(),
  progressDeadlineSeconds: count.optional(),
})

export const ROLLOUT = z.strictObject({
  podspan: z.literal('rollout/v1'),
  traceId,
  uid: text,
  kind: text,
  namespace: text,
  name: text,
  revision: text.optional(),
  hash: text.optional(),
  cause: z.strictObject({
    kind: z.enum(['created', 'template', 'rollback']),
    by: text.optional(),
    words: text.optional(),
    differences: z.array(z.strictObject({ path: text, from: text.optional(), to: text.optional() })),
  }),
  outcome: z.enum(['complete', 'failed', 'superseded', 'deleted', 'rolling']),
  failure: text.optional(),
  verdict: text,
  start: proven,
  end: proven,
  lengthMs: ms,
  wanted: count.optional(),
  waves: count,
  atOnce: count,
  limits,
  images: byName(text),
  startup: z.strictObject({ count, p50Ms: ms, p90Ms: ms, p99Ms: ms, maxMs: ms }).optional(),
  pods: z.array(rolloutPod),
  shares: z.array(
    z.strictObject({
      kind: text,
      operation: text.optional(),
      words: text,
      lengthMs: ms,
      share,
      pods: z.array(text),
    }),
  ),
  holds: z.array(hold),
  missing: z.array(text),
})

const spread = z.strictObject({ count, p50Ms: ms, p90Ms: ms, maxMs: ms })
const compared = {
  before: spread.optional(),
  after: spread.optional(),
  change: z.enum(['slower', 'faster', 'not shown', 'too few']),
  shift: z.strictObject({ byMs: ms, fromMs: ms, toMs: ms, p: share }).optional(),
}
const use = z.strictObject({
  image: text,
  starts: count,
  cached: count,
  bytes: count.optional(),
  pull: spread.optional(),
})
const side = z.strictObject({
  revision: text.optional(),
  hash: text.optional(),
  traceId,
  images: byName(text),
})
const outcomes = z.partialRecord(outcome, count)

export const DIFF = z.strictObject({
  podspan: z.literal('diff/v1'),
  namespace: text,
  kind: text,
  name: text,
  verdict: text,
  before: side,
  after: side,
  outcomes: z.strictObject({ before: outcomes, after: outcomes }),
  startup: z.strictObject(compared),
  operations: z.array(z.strictObject({ name: text, ...compared })),
  images: z.array(z.strictObject({ container: text, before: text.optional(), after: text.optional() })),
  uses: z.strictObject({ before: z.array(use), after: z.array(use) }),
  lengthMs: z.strictObject({ before: ms, after: ms }),
})

const percentile = z.number().min(0).max(100)

export const ADVICE = z.strictObject({
  podspan: z.literal('advice/v1'),
  namespace: text,
  workload: text,
  starts: count,
  timed: count,
  startup: z.array(z.strictObject({ percentile, ms })),
  waitingHours: byName(z.number()),
  advice: z.array(
    z.strictObject({
      kind: text,
      change: text,
      container: text.optional(),
      image: text.optional(),
      from: text.optional(),
      to: text,
      note: text.optional(),
      together: count.optional(),
      span: text,
      affected: count,
      savings: z.array(
        z.strictObject({ percentile, ofMs: ms, lowMs: ms, likelyMs: ms.optional(), highMs: ms }),
      ),
      telling: percentile,
      savedHours: byName(z.number()),
      example: z.strictObject({ pod: text, traceId, spanId }),
    }),
  ),
})

const length = z.strictObject({ ms, atLeast: z.literal(true).optional() })

export const TOP = z.strictObject({
  podspan: z.literal('top/v1'),
  time,
  since: time,
  context: text,
  namespace: text.optional(),
  sort: z.enum(['p90', 'p50', 'max', 'total', 'starts']),
  starts: count,
  coarse: count,
  unranked: count,
  omitted: count,
  workloads: z.array(
    z.strictObject({
      namespace: text,
      workload: text,
      starts: count,
      outcomes,
      coarse: count,
      startup: z.strictObject({ p50: length, p90: length, max: length, totalMs: ms }),
      operations: z.array(z.strictObject({ operation: text, totalMs: ms, share })),
      slowest: z.strictObject({
        name: text,
        uid: text,
        traceId,
        node: text.optional(),
        outcome,
        verdict: text,
        startupMs: ms,
      }),
    }),
  ),
})

const range = z.strictObject({ low: count, high: count })

export const CHECK = z.strictObject({
  podspan: z.literal('check/v1'),
  context: text,
  server: text,
  kubernetes: text,
  tested: z.boolean(),
  namespace: text.optional(),
  complete: z.boolean(),
  rights: z.array(
    z.strictObject({
      resource: text,
      served: z.boolean(),
      allowed: z.boolean(),
      missing: z.array(text),
      cost: text,
      optional: z.boolean(),
    }),
  ),
  clocks: z
    .array(
      z.strictObject({ clock: text, samples: count, offsetFromMs: ms.optional(), offsetToMs: ms.optional() }),
    )
    .optional(),
  evidence: z.array(z.strictObject({ holds: z.boolean(), text })),
  spans: z
    .strictObject({
      perMonth: range,
      startsPerMonth: range,
      perStart: z.number(),
      how: z.array(text),
    })
    .optional(),
})

/** By form, as `podspan` in each document names it. */
export const SCHEMAS: Readonly<Record<string, z.ZodObject>> = {
  'start/v1': START,
  'rollout/v1': ROLLOUT,
  'diff/v1': DIFF,
  'advice/v1': ADVICE,
  'top/v1': TOP,
  'check/v1': CHECK,
}

/** The form as a JSON Schema for readers: they have to expect fields that are added. */
export function jsonSchemaOf(form: string): object {
  const schema = SCHEMAS[form]
  if (!schema) throw new Error(`no form ${form}`)
  const made = z.toJSONSchema(schema, {
    override: ({ jsonSchema }) => {
      if (jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties
      if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum
    },
  })
  return { title: form, ...made }
}
