import assert from 'node:assert/strict'
import { test } from 'node:test'
import { manualClock } from '../../src/base/clock.ts'
import type { Frame } from '../../src/base/frame.ts'
import { knownResource } from '../../src/decode/resources.ts'
import { decodeWhole, WHOLE_SOURCES, wholeResource } from '../../src/decode/whole.ts'
import { openDirect } from '../../src/kube/config.ts'
import type { RawEvent } from '../../src/kube/reflector.ts'
import { watchToRecord } from '../../src/kube/watch-to-record.ts'
import { watchWhole } from '../../src/kube/whole.ts'
import { SimulatedApiServer } from '../simulator/server.ts'
import { START, until } from './harness.ts'

const shop = {
  kind: 'Deployment',
  apiVersion: 'apps/v1',
  metadata: { name: 'shop', namespace: 'web', uid: 'u-1', resourceVersion: '7' },
  spec: { replicas: 3 },
}

async function withServer(act: (server: SimulatedApiServer) => Promise<void>): Promise<void> {
  const server = await SimulatedApiServer.start()
  server.store.load('deployments', [shop])
  try {
    await act(server)
  } finally {
    await server.close()
  }
}

const whole = (frame: Frame): unknown =>
  'record' in frame && frame.record.resource === 'custom' ? frame.record.object['spec'] : undefined

test('a workload that is read whole comes with its spec, under the name of its stream', () =>
  withServer(async (server) => {
    const connection = openDirect(server.url)
    const clock = manualClock(START)
    const stop = new AbortController()
    const frames: Frame[] = []
    const watch = watchWhole({
      connection,
      clock,
      random: () => 0.5,
      streams: [{ source: 'deployments', scope: { namespace: 'web', fieldSelector: 'metadata.name=shop' } }],
      onFrame: (frame) => frames.push(frame),
      signal: stop.signal,
    })
    await until(clock, 'the list', () => frames.some(({ kind }) => kind === 'synced'), 'moves')
    await watch.ready
    stop.abort()
    await watch.ended
    await connection.close()
    const [first] = frames
    assert.ok(first && 'source' in first)
    assert.equal(first.source, 'deployments')
    assert.deepEqual(whole(first), { replicas: 3 })
    const [asked] = server.requests.filter(({ resource }) => resource === 'deployments')
    assert.equal(asked?.headers.accept, 'application/json')
    assert.equal(asked?.query.get('fieldSelector'), 'metadata.name=shop')
  }))

test('what may not be read whole is named with its cost, and nobody waits for it', () =>
  withServer(async (server) => {
    server.fail('controllerrevisions', 'any', { kind: 'status', code: 403, reason: 'Forbidden' }, Infinity)
    const connection = openDirect(server.url)
    const clock = manualClock(START)
    const stop = new AbortController()
    const watch = watchWhole({
      connection,
      clock,
      random: () => 0.5,
      streams: [{ source: 'controllerrevisions', scope: {} }],
      onFrame: () => {},
      signal: stop.signal,
    })
    await until(clock, 'it is missing', () => watch.missing().length > 0, 'moves')
    await watch.ready
    assert.match(watch.missing()[0]?.cost ?? '', /known by their hash/)
    stop.abort()
    await watch.ended
    await connection.close()
  }))

test('a recording keeps workloads whole and everything else as it was, each stream once', () =>
  withServer(async (server) => {
    const connection = openDirect(server.url)
    const clock = manualClock(START)
    const raw: RawEvent[] = []
    const streams = watchToRecord(connection, {
      clock,
      random: () => 0.5,
      onRaw: (event) => raw.push(event),
      onFrame: () => {},
    })
    const specOf = (event: RawEvent | undefined): unknown => (event?.object as typeof shop | undefined)?.spec
    const isShop = ({ resource, type }: RawEvent): boolean => resource === 'deployments' && type === 'ADDED'
    await until(clock, 'the workload', () => raw.some(isShop), 'moves')
    await until(clock, 'all lists', () => server.requests.some(({ resource }) => resource === 'replicasets'))
    await streams.close()
    await connection.close()
    assert.deepEqual(specOf(raw.find(isShop)), { replicas: 3 })
    const acceptOf = (name: string): string[] => [
      ...new Set(
        server.requests
          .filter(({ resource }) => resource === name)
          .map(({ headers }) => headers.accept ?? ''),
      ),
    ]
    assert.deepEqual(acceptOf('deployments'), ['application/json'])
    assert.match(acceptOf('replicasets').join(), /PartialObjectMetadata/)
  }))

test('every source that is read whole has a resource, and no other has one', () => {
  for (const source of WHOLE_SOURCES) assert.equal(wholeResource(source)?.record, 'custom')
  assert.equal(wholeResource('pods'), undefined)
  assert.equal(wholeResource('deployments')?.root, knownResource('deployments').root)
  assert.deepEqual(decodeWhole('pods', {}), {
    ok: false,
    error: { kind: 'unsupported', what: 'not read whole', where: 'pods' },
  })
})
