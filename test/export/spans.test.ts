import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import fc from 'fast-check'
import { durationNano, unixNano } from '../../src/base/time.ts'
import { groupByService, kebab, type ServiceNaming } from '../../src/export/resource.ts'
import { SCOPE } from '../../src/export/spans.ts'
import type { Span, Trace } from '../../src/trace/trace.ts'
import { spanAttributes } from '../support/sdk-encoding.ts'
import { instant, START, sampleSpan, sampleTrace } from './sample-trace.ts'

const BY_ACTOR: ServiceNaming = { kind: 'actor' }

const shifted = (nanoseconds: bigint) => unixNano(START + nanoseconds)

const attributeCases: { name: string; given: Partial<Span>; then: Record<string, unknown> }[] = [
  {
    name: 'both boundaries say where they came from',
    given: {
      start: instant(START, { source: 'creation-second' }),
      end: instant(START, { source: 'watch-receipt' }),
    },
    then: { 'podspan.start.source': 'creation-second', 'podspan.end.source': 'watch-receipt' },
  },
  {
    name: 'an exact boundary has no early and no late',
    given: { start: instant(START) },
    then: { 'podspan.start.early_ms': 0, 'podspan.start.late_ms': 0 },
  },
  {
    name: 'early and late are milliseconds with microseconds, rounded away from the estimate',
    given: { start: instant(START, { earliest: shifted(-1_234_567n), latest: shifted(2_000_001n) }) },
    then: { 'podspan.start.early_ms': 1.235, 'podspan.start.late_ms': 2.001 },
  },
  {
    name: 'whole microseconds are not rounded',
    given: { end: instant(START, { earliest: shifted(-999_999_000n) }) },
    then: { 'podspan.end.early_ms': 999.999 },
  },
  {
    name: 'a clamp, a conflict and a shift of the start are marked',
    given: { start: instant(START, { clamped: true, conflict: true, shifted: durationNano(-1_500_000n) }) },
    then: {
      'podspan.start.clamped': true,
      'podspan.start.conflict': true,
      'podspan.start.shifted_ms': -1.5,
      'podspan.end.clamped': undefined,
    },
  },
  {
    name: 'a clamp of the end is marked on the end',
    given: { end: instant(START, { clamped: true }) },
    then: { 'podspan.end.clamped': true, 'podspan.start.clamped': undefined },
  },
  {
    name: 'nothing is marked that is not so',
    given: { start: instant(START, { clamped: false, conflict: false }) },
    then: {
      'podspan.start.clamped': undefined,
      'podspan.start.conflict': undefined,
      'podspan.start.shifted_ms': undefined,
    },
  },
  {
    name: 'longer than a double divides exactly, early is still rounded away from the estimate',
    given: { start: instant(START, { earliest: shifted(-(2n ** 51n) * 1000n - 1n) }) },
    then: { 'podspan.start.early_ms': (2 ** 51 + 1) / 1000 },
  },
  {
    name: 'the time on the critical path is the sum of its parts',
    given: {
      critical: [
        { from: START, to: shifted(1_000_000n) },
        { from: shifted(2_000_000n), to: shifted(2_500_000n) },
      ],
    },
    then: { 'podspan.critical_ms': 1.5 },
  },
  {
    name: 'a span off the critical path has 0 ms there',
    given: { critical: [] },
    then: { 'podspan.critical_ms': 0 },
  },
  {
    name: 'the actor is as it is called',
    given: { actor: 'container runtime' },
    then: { 'podspan.actor': 'container runtime' },
  },
  { name: 'an attempt has its number', given: { attempt: 3 }, then: { 'podspan.attempt': 3 } },
  { name: 'a single try has no attempt', given: {}, then: { 'podspan.attempt': undefined } },
  {
    name: 'attributes of the operation pass through',
    given: { attributes: { 'k8s.container.name': 'app', 'podspan.image.bytes': 12 } },
    then: { 'k8s.container.name': 'app', 'podspan.image.bytes': 12 },
  },
]

for (const { name, given, then } of attributeCases) {
  test(`attributes: ${name}`, () => {
    const attributes = spanAttributes(sampleSpan(given))
    for (const [key, value] of Object.entries(then)) assert.deepEqual(attributes[key], value, key)
  })
}

test('early is never less than the estimate is off, and at most a microsecond more', () => {
  const exponent = fc.integer({ min: 1, max: 60 })
  const width = exponent.chain((bits) => fc.bigInt({ min: 0n, max: 2n ** BigInt(bits) }))
  const check = (nanoseconds: bigint): void => {
    const attributes = spanAttributes(
      sampleSpan({ start: instant(START, { earliest: shifted(-nanoseconds) }) }),
    )
    assert.equal(attributes['podspan.start.early_ms'], Number((nanoseconds + 999n) / 1000n) / 1000)
  }
  for (let bits = 0n; bits < 60n; bits++)
    for (const more of [-1n, 1n]) check((2n ** bits / 1000n) * 1000n + 1000n + more)
  fc.assert(fc.property(width, check), { numRuns: 1000 })
})

const services = (trace: Trace, naming: ServiceNaming): Record<string, string[]> =>
  Object.fromEntries(
    groupByService(trace, naming).map(({ service, spans }) => [service, spans.map((span) => span.name)]),
  )

const actors: Trace = {
  ...sampleTrace(),
  spans: [
    sampleSpan({ name: 'pod startup', actor: 'podspan' }),
    sampleSpan({ name: 'schedule', actor: 'kube-scheduler' }),
    sampleSpan({ name: 'pull image', actor: 'kubelet' }),
    sampleSpan({ name: 'create sandbox', actor: 'container runtime' }),
    sampleSpan({ name: 'unaccounted', actor: 'podspan' }),
  ],
}
const { workload: _, ...bare } = actors

const namingCases: { name: string; trace: Trace; naming: ServiceNaming; then: Record<string, string[]> }[] = [
  {
    name: 'by actor, a trace is spread over its components; the root and the gaps are podspan',
    trace: actors,
    naming: BY_ACTOR,
    then: {
      podspan: ['pod startup', 'unaccounted'],
      'kube-scheduler': ['schedule'],
      kubelet: ['pull image'],
      'container-runtime': ['create sandbox'],
    },
  },
  {
    name: 'by workload, all spans are the workload',
    trace: actors,
    naming: { kind: 'workload' },
    then: { checkout: actors.spans.map((span) => span.name) },
  },
  {
    name: 'by workload, a pod without an owner is podspan',
    trace: bare,
    naming: { kind: 'workload' },
    then: { podspan: actors.spans.map((span) => span.name) },
  },
  {
    name: 'fixed is what was asked for',
    trace: actors,
    naming: { kind: 'fixed', name: 'starts' },
    then: { starts: actors.spans.map((span) => span.name) },
  },
]

for (const { name, trace, naming, then } of namingCases) {
  test(`service.name: ${name}`, () => assert.deepEqual(services(trace, naming), then))
}

const kebabCases = [
  ['kubelet', 'kubelet'],
  ['kube-scheduler', 'kube-scheduler'],
  ['container runtime', 'container-runtime'],
  ['Cluster Autoscaler', 'cluster-autoscaler'],
  ['kueue.x-k8s.io/topology', 'kueue.x-k8s.io-topology'],
  ['target-health.elbv2.k8s.aws', 'target-health.elbv2.k8s.aws'],
  ['--', 'podspan'],
  ['', 'podspan'],
] as const

for (const [actor, service] of kebabCases) {
  test(`service.name of the actor ${JSON.stringify(actor)} is ${service}`, () =>
    assert.equal(kebab(actor), service))
}

test("the scope's version is the package's", () => {
  const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
  assert.deepEqual(SCOPE, { name: 'podspan', version: manifest.version })
})
