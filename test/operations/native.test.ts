import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createPipeline } from '../../src/trace/pipeline.ts'
import type { Trace } from '../../src/trace/trace.ts'
import {
  ofContainer,
  ofSandbox,
  runtimeCall,
  spansAt,
  syncPod,
  type Told,
  writeOf,
} from '../support/native.ts'
import { at, type Story, story, UID } from '../support/pods.ts'
import { spanOf, traceOf, treeOf } from '../support/pods-spans.ts'

/** A start of half a second whose watch shows everything 40 ms late. */
const begun = (): Story => story({}, 40).create(3).bind(22).admit(43)
const whole = (): Story =>
  begun().condition(300, 'PodReadyToStartContainers').start(320.3, 'app', 20).ready(400)

const kubelets: readonly Told[] = [
  syncPod(41, 380),
  ...runtimeCall('RunPodSandbox', { id: 'a', fromMs: 100, toMs: 290, served: ofSandbox() }),
  ...runtimeCall('CreateContainer', { id: 'b', fromMs: 321, toMs: 340, served: ofContainer('app') }),
  ...runtimeCall('StartContainer', { id: 'c', fromMs: 341, toMs: 360, served: ofContainer('app') }),
]
const servers: readonly Told[] = [
  ...writeOf('create', { trace: 'a1', fromMs: 0, toMs: 5, storedMs: [2, 3] }),
  ...writeOf('bind', { trace: 'a2', fromMs: 19, toMs: 24, storedMs: [21, 22] }),
]

const milliseconds = (moment: bigint): number => Number(moment - at(0)) / 1e6
const widthMs = ({ earliest, latest }: Trace['spans'][number]['start']): number =>
  Number(latest - earliest) / 1e6

test('what the components say of a boundary is where it lies, to what they say', () => {
  const trace = traceOf(
    whole()
      .frame(spansAt(2000, ...kubelets, ...servers))
      .frames(20_000),
  )
  const boundaries = [
    ['pod created', trace.spans[0]!.start, 3, 1],
    ['bound', spanOf(trace, 'schedule').end, 22, 1],
    ['sandbox', spanOf(trace, 'prepare pod and create sandbox').end, 290, 0],
    ['created', spanOf(trace, 'create container', 'app').end, 340, 0],
    ['started', spanOf(trace, 'start container', 'app').end, 360, 0],
  ] as const
  for (const [what, instant, ms, width] of boundaries) {
    assert.deepEqual([what, milliseconds(instant.best)], [what, ms])
    assert.ok(widthMs(instant) <= width, `${what}: ${widthMs(instant)} ms`)
    assert.equal(instant.source, 'native-span', what)
  }
})

test('the same comes out whatever order they come in, in one request or many, before or after what the watch shows', () => {
  const all = [...kubelets, ...servers]
  const once = traceOf(
    whole()
      .frame(spansAt(2000, ...all))
      .frames(20_000),
  )
  const apart = whole()
  for (const [index, one] of [...all].reverse().entries()) apart.frame(spansAt(500 + index * 7, one))
  const doubled = whole()
    .frame(spansAt(1, ...all))
    .frame(spansAt(900, ...all))
  for (const other of [traceOf(apart.frames(20_000)), traceOf(doubled.frames(20_000))]) {
    assert.deepEqual(other.spans, once.spans)
    assert.deepEqual(other.native?.map(placeOf).sort(), once.native?.map(placeOf).sort())
  }
})

const placeOf = ({ span, parentSpanId }: NonNullable<Trace['native']>[number]): string =>
  `${span.traceId}/${span.spanId} below ${parentSpanId}`

test('without any a start is told as if there were no such thing', () => {
  const plain = traceOf(whole().frames(20_000))
  const others = traceOf(
    whole()
      .frame(spansAt(600, syncPod(41, 380, '11111111-2222-3333-4444-555555555555')))
      .frames(20_000),
  )
  assert.deepEqual(others, plain)
  assert.equal(plain.native, undefined)
})

test('the call for a sandbox draws the line between preparing and the sandbox', () => {
  const trace = traceOf(
    whole()
      .frame(spansAt(2000, ...kubelets))
      .frames(20_000),
  )
  assert.deepEqual(treeOf(trace).slice(2, 5), [
    '  prepare pod and create sandbox',
    '    prepare pod',
    '    create sandbox',
  ])
  assert.equal(milliseconds(spanOf(trace, 'create sandbox').start.best), 100)
  assert.equal(milliseconds(spanOf(trace, 'prepare pod').end.best), 100)
})

test('a failed call is the failed attempt that its event tells, with a begin of its own', () => {
  const message = 'Failed to create pod sandbox: no address left'
  const trace = traceOf(
    begun()
      .event(120.5, 'FailedCreatePodSandBox', undefined, message)
      .condition(12_300, 'PodReadyToStartContainers')
      .start(12_320.3, 'app', 20)
      .ready(12_400)
      .frame(
        spansAt(
          13_000,
          syncPod(41, 380),
          ...runtimeCall('RunPodSandbox', { id: 'd', fromMs: 60, toMs: 120, failed: 'no address left' }),
        ),
      )
      .frames(30_000),
  )
  const failed = spanOf(trace, 'create sandbox', undefined, 1)
  assert.deepEqual([milliseconds(failed.start.best), milliseconds(failed.end.best)], [60, 120])
  assert.equal(failed.error, message)
})

test('a pull is as long as the call for it, whatever its event says', () => {
  const image = 'registry/app:1'
  const trace = traceOf(
    begun()
      .condition(100, 'PodReadyToStartContainers')
      .event(110, 'Pulling', 'app', `Pulling image "${image}"`)
      .event(912, 'Pulled', 'app', `Successfully pulled image "${image}" in 700ms (802ms including waiting)`)
      .event(930, 'Created', 'app', 'Container created')
      .event(950, 'Started', 'app', 'Container started')
      .ready(1000)
      .frame(
        spansAt(
          2000,
          syncPod(41, 980),
          ...runtimeCall('PullImage', { id: 'e', fromMs: 211, toMs: 907, served: { 'image.ref': image } }),
        ),
      )
      .frames(20_000),
  )
  assert.equal(milliseconds(spanOf(trace, 'pull image').end.best), 907)
  assert.equal(milliseconds(spanOf(trace, 'transfer and unpack').start.best), 211)
})

test('a run whose events were dropped is told by its calls', () => {
  const quiet = begun()
    .condition(300, 'PodReadyToStartContainers')
    .statuses(380, { app: { running: 361 } })
    .ready(400)
  const trace = traceOf(quiet.frame(spansAt(2000, ...kubelets)).frames(20_000))
  assert.equal(milliseconds(spanOf(trace, 'create container', 'app').end.best), 340)
  assert.equal(milliseconds(spanOf(trace, 'start container', 'app').end.best), 360)
})

test('a write that was refused, and one of a pod that had the name before, date nothing', () => {
  const refused = writeOf('create', { trace: 'a1', fromMs: 0, toMs: 5, storedMs: [2, 3], code: '409' })
  const former = writeOf('create', { trace: 'a3', fromMs: -9000, toMs: -8990, storedMs: [-8998, -8997] })
  const plain = traceOf(whole().frames(20_000))
  const trace = traceOf(
    whole()
      .frame(spansAt(600, ...refused, ...former))
      .frames(20_000),
  )
  assert.deepEqual(trace.spans, plain.spans)
})

const updated = (trace: string, toMs: number): Told[] =>
  writeOf('update', {
    trace,
    fromMs: toMs - 4,
    toMs: toMs + 2,
    storedMs: [toMs - 2, toMs],
    code: '200',
  })

test('an update that the watch showed is dated by its own write, where there is no doubt which that is', () => {
  const others = [...servers, ...updated('a4', 43), ...updated('a5', 300)]
  const endWith = (...told: readonly Told[]) =>
    traceOf(
      whole()
        .frame(spansAt(2000, ...others, ...told))
        .frames(20_000),
    ).spans[0]!.end
  const known = endWith(...updated('a6', 400))
  assert.deepEqual([known.source, milliseconds(known.best), widthMs(known)], ['native-span', 400, 2])
  assert.equal(endWith().source, 'watch-receipt')
})

test('where every version has its write, it does not matter how late the watch was', () => {
  const all = [servers, updated('a4', 43), updated('a5', 300), updated('a6', 310)]
  const endBy = (told: readonly (readonly Told[])[]): Trace['spans'][number]['end'] => {
    const late = begun().condition(300, 'PodReadyToStartContainers').ready(900)
    return traceOf(late.frame(spansAt(2000, ...told.flat())).frames(20_000)).spans[0]!.end
  }
  const end = endBy(all)
  assert.deepEqual([end.source, milliseconds(end.best), widthMs(end)], ['native-span', 310, 2])
  assert.equal(endBy(all.toSpliced(2, 1)).source, 'watch-receipt', 'one is missing: it may be any')
})

test('what another pod of the name had written a moment before, or has by now, is not this one’s', () => {
  const own = [...servers, ...updated('a4', 43), ...updated('a5', 300), ...updated('a6', 400)]
  const before = updated('a7', 1.5)
  const next = writeOf('create', { trace: 'a8', fromMs: 410, toMs: 416, storedMs: [412, 413] })
  const after = updated('a9', 420)
  const toldBy = (told: readonly Told[]): Trace['spans'] =>
    traceOf(
      whole()
        .frame(spansAt(2000, ...told))
        .frames(20_000),
    ).spans
  const spans = toldBy(own)
  assert.equal(spans[0]?.end.source, 'native-span')
  for (const others of [before, [...next, ...after], [...before, ...next, ...after]])
    assert.deepEqual(toldBy([...own, ...others]), spans)
})

const HOUR = 3_600_000

for (const [name, from, to] of [
  ['an hour ahead', HOUR, HOUR],
  ['an hour behind', -HOUR, -HOUR],
  ['set forward meanwhile', 0, HOUR],
  ['set back and forth', -HOUR, HOUR],
] as const)
  test(`what a clock tells that is ${name} dates nothing, and is counted where it is shown`, () => {
    const shifted = kubelets.map((one) => ({ ...one, fromMs: one.fromMs + from, toMs: one.toMs + to }))
    const pipeline = createPipeline()
    const frames = whole()
      .frame(spansAt(2000, ...shifted))
      .frames(20_000)
    const [trace] = frames.flatMap((frame) => pipeline.push(frame))
    assert.deepEqual(trace?.spans, traceOf(whole().frames(20_000)).spans)
    const counted = pipeline.counters()['garbage.native span of another time'] ?? 0
    assert.equal(counted, trace?.native?.length ?? 0)
  })

test('a later pass is not taken for the first, whose span was not kept', () => {
  const plain = traceOf(whole().frames(20_000))
  for (const later of [
    { ...syncPod(350, 380), attributes: { 'k8s.pod.uid': UID, 'k8s.pod.update_type': 'sync' } },
    // The first of a kubelet that was restarted meanwhile.
    syncPod(5350, 5380),
  ])
    assert.deepEqual(traceOf(whole().frame(spansAt(6000, later)).frames(20_000)).spans, plain.spans)
})

test('a sandbox in place of the first is not the first', () => {
  const second = runtimeCall('RunPodSandbox', { id: 'a', fromMs: 350, toMs: 390, served: ofSandbox(UID, 1) })
  const trace = traceOf(
    whole()
      .frame(spansAt(2000, syncPod(41, 395), ...second))
      .frames(20_000),
  )
  assert.ok(milliseconds(spanOf(trace, 'prepare pod and create sandbox').end.best) < 321)
  assert.ok(!treeOf(trace).includes('    create sandbox'))
})
