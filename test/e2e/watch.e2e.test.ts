// Owns the watch against real API servers: one of its own to break, and the tested cluster to read.
// Promises that each fault is real: compaction, a killed and a stopped process, a token that no longer counts.
// Does not change the tested cluster beyond a service account of its own.

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { inspect } from 'node:util'
import type { Frame, ObjectFrame } from '../../src/base/frame.ts'
import { knownResource, RELATED_SOURCES } from '../../src/decode/resources.ts'
import { type Cluster, openCluster, watchCluster, type WatchClusterOptions } from '../../src/kube/cluster.ts'
import { type Connection, openConnection, openDirect } from '../../src/kube/config.ts'
import { readPage } from '../../src/kube/list-page.ts'
import { queryOf } from '../../src/kube/paths.ts'
import { readCluster } from '../cluster/cluster.ts'
import { testedCluster, withoutAny, withoutOurs } from '../cluster/foreign.ts'
import { Api } from '../scenarios/api.ts'
import { Door, RealApiServer } from '../support/api-server-real.ts'
import { makeAccount } from './account.ts'

const pods = '/api/v1/namespaces/default/pods'
const timeout = 180_000
const unbreakable = withoutOurs('an API server of its own to break, of the binaries of test/cluster')
/** For tests that break the API server. */
const options = { skip: unbreakable, timeout }
/** For tests that only read, of whatever cluster. */
const reading = { skip: withoutAny, timeout }

let real: RealApiServer
before(async () => {
  if (unbreakable) return
  real = await RealApiServer.start({ binaries: readCluster().binaries })
  await createPods(40)
})
after(async () => {
  await real?.close()
})

const podNamed = (name: string): object => ({
  metadata: { name, labels: { step: '0' } },
  spec: { containers: [{ name: 'app', image: 'example.com/app:1', env: [{ name: 'A', value: 'b' }] }] },
})

async function createPods(count: number, prefix = 'pod'): Promise<void> {
  for (let from = 0; from < count; from += 20)
    await Promise.all(
      Array.from({ length: Math.min(20, count - from) }, async (_, n) => {
        const { code, text } = await real.call('POST', pods, podNamed(`${prefix}-${from + n}`))
        assert.equal(code, 201, text)
      }),
    )
}

async function patch(name: string, step: string): Promise<void> {
  const { code, text } = await real.call('PATCH', `${pods}/${name}`, { metadata: { labels: { step } } })
  assert.equal(code, 200, text)
}
const remove = (name: string) => real.call('DELETE', `${pods}/${name}?gracePeriodSeconds=0`)

interface Watched extends AsyncDisposable {
  readonly cluster: Cluster
  readonly frames: Frame[]
  counters(source?: string): NonNullable<ReturnType<Cluster['counters']['get']>>
}

async function watch(connection: Connection, more: WatchClusterOptions = {}): Promise<Watched> {
  const frames: Frame[] = []
  const cluster = watchCluster(connection, {
    streams: ['pods'],
    onFrame: (frame) => frames.push(frame),
    ...more,
  })
  await cluster.ready
  return {
    cluster,
    frames,
    counters: (source = 'pods') => {
      const counters = cluster.counters.get(source)
      assert.ok(counters)
      return counters
    },
    [Symbol.asyncDispose]: async () => {
      await cluster.close()
      await connection.close()
    },
  }
}

const direct = (url = real.url): Connection =>
  openDirect(url, { authorization: `Bearer ${real.adminToken}` }, { ca: real.ca })

async function until(what: string, holds: () => boolean, seconds = 60): Promise<void> {
  for (let n = 0; n < seconds * 20; n++) {
    if (holds()) return
    await delay(50)
  }
  throw new Error(`never happened: ${what}`)
}

const objects = (frames: readonly Frame[]): ObjectFrame[] =>
  frames.filter((frame): frame is ObjectFrame => 'record' in frame)

/** What a reader of the frames believes exists, as name → version; fails where a version goes back. */
function believed(frames: readonly Frame[]): Map<string, string> {
  const state = new Map<string, { name: string; version: string }>()
  for (const { kind, record, synthetic } of objects(frames)) {
    const before = state.get(record.uid)
    if (before && !synthetic)
      assert.ok(BigInt(record.resourceVersion) > BigInt(before.version), `${record.name} went back`)
    if (kind === 'deleted') state.delete(record.uid)
    else state.set(record.uid, { name: record.name, version: record.resourceVersion })
  }
  return new Map([...state.values()].map(({ name, version }) => [name, version]))
}

async function stored(): Promise<Map<string, string>> {
  const { text } = await real.call('GET', pods)
  const list = JSON.parse(text) as { items: { metadata: { name: string; resourceVersion: string } }[] }
  return new Map(list.items.map(({ metadata }) => [metadata.name, metadata.resourceVersion]))
}

async function assertComplete(watched: Watched): Promise<void> {
  const expected = await stored()
  const equal = (): boolean => {
    const got = believed(watched.frames)
    return got.size === expected.size && [...expected].every(([name, version]) => got.get(name) === version)
  }
  await until('the frames show what is stored', equal, 30)
}

test('compacted until 410: a gap, one relist, and all that changed meanwhile', options, async () => {
  await using door = await Door.before(real.url)
  await using watched = await watch(direct(door.url))
  door.shut()
  await patch('pod-1', 'compacted')
  await remove('pod-2')
  await createPods(3, 'while-shut')
  await real.kill()
  await real.compact()
  await real.startServer()
  door.open()
  // The server is away for long on a busy machine, and the next try may be half a minute later.
  const isListedAgain = (): boolean => watched.frames.filter((frame) => frame.kind === 'synced').length === 2
  await until('a relist', isListedAgain, 180)
  await assertComplete(watched)
  assert.deepStrictEqual(watched.counters().relists, { expired: 1 })
  assert.equal(watched.counters().gaps, 1)
  const repaired = objects(watched.frames).filter((frame) => frame.phase === 'relist')
  assert.equal(repaired.length, 5, 'one changed, one gone, three new; nothing unchanged again')
  assert.equal(repaired.filter((frame) => frame.synthetic).length, 1)
  const isLive = (): boolean => objects(watched.frames).at(-1)?.phase === 'live'
  // What arrives within a second after a list may be late, and counts as part of it.
  for (let n = 0; !isLive(); n++) {
    assert.ok(n < 120, `never live again: ${inspect(watched.counters())}`)
    await patch('pod-1', `live-again-${n}`)
    await delay(500)
  }
})

test('an API server killed and restarted under a writer: nothing is lost', options, async () => {
  await using watched = await watch(direct())
  for (let round = 0; round < 3; round++) {
    for (let n = 10; n < 20; n++) await patch(`pod-${n}`, `before-${round}`)
    await real.kill()
    await delay(700)
    await real.startServer()
    for (let n = 10; n < 20; n++) await patch(`pod-${n}`, `after-${round}`)
    await assertComplete(watched)
  }
  const steps = objects(watched.frames).filter((frame) => frame.record.name === 'pod-15')
  const labels = steps.map((frame) => frame.record.labels?.['step'])
  // A crash may cost a version that its relist then shows as the newest one; without a relist all seven are seen.
  if (watched.counters().gaps === 0) assert.equal(labels.length, 7)
  assert.ok(watched.counters().restarts >= 3)
})

test(
  'a server without WatchList is listed by pages, and one that has it again is not asked for',
  options,
  async () => {
    await real.kill()
    await real.startServer(['--feature-gates=WatchList=false'])
    await using watched = await watch(direct(), { limits: { pageItems: 7 } })
    await assertComplete(watched)
    assert.equal(watched.counters().watchListRefused, 1)
    await real.kill()
    await real.startServer()
    await patch('pod-1', 'gate-on-again')
    await assertComplete(watched)
  },
)

test(
  'a server that hangs is left when it is silent for too long, and resumed when it answers again',
  options,
  async () => {
    // The bookmark that arms the watchdog comes within seconds of a change, and before each time-out.
    const limits = { watchSeconds: 10, idleMs: 4000 }
    await using watched = await watch(direct(), { limits, random: () => 0.5 })
    const initial = watched.counters().bookmarks
    // A version that the watch began with, or that was bookmarked already, is not bookmarked again.
    for (let n = 0; watched.counters().bookmarks === initial; n++) {
      assert.ok(n < 60, 'never happened: a bookmark')
      await patch('pod-3', `before-the-silence-${n}`)
      await delay(1000)
    }
    real.pause()
    try {
      await until('the silence is noticed', () => watched.counters().idleAborts === 1, 10)
      await delay(2000)
    } finally {
      real.resume()
    }
    await patch('pod-3', 'after-the-silence')
    await assertComplete(watched)
    assert.equal(watched.counters().gaps, 0)
  },
)

test('a token that no longer counts is read again from its file', options, async () => {
  const directory = mkdtempSync(join(tmpdir(), 'podspan-token-'))
  const tokenFile = join(directory, 'token')
  const rotate = async (): Promise<void> => {
    await real.call('DELETE', '/api/v1/namespaces/default/serviceaccounts/reader')
    await real.call('POST', '/api/v1/namespaces/default/serviceaccounts', { metadata: { name: 'reader' } })
    const { text } = await real.call('POST', '/api/v1/namespaces/default/serviceaccounts/reader/token', {
      spec: {},
    })
    writeFileSync(tokenFile, (JSON.parse(text) as { status: { token: string } }).status.token)
  }
  const rbac = '/apis/rbac.authorization.k8s.io/v1'
  await real.call('POST', `${rbac}/clusterroles`, {
    metadata: { name: 'reader' },
    rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['get', 'list', 'watch'] }],
  })
  await real.call('POST', `${rbac}/clusterrolebindings`, {
    metadata: { name: 'reader' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'reader' },
    subjects: [{ kind: 'ServiceAccount', namespace: 'default', name: 'reader' }],
  })
  await rotate()
  const kubeconfig = join(directory, 'kubeconfig')
  const cluster = { server: real.url, 'certificate-authority-data': real.ca.toString('base64') }
  writeFileSync(
    kubeconfig,
    JSON.stringify({
      'current-context': 'x',
      clusters: [{ name: 'x', cluster }],
      users: [{ name: 'x', user: { tokenFile } }],
      contexts: [{ name: 'x', context: { cluster: 'x', user: 'x' } }],
    }),
  )
  const connection = await openConnection({ kubeconfig })
  let refreshed = 0
  const counting: Connection = {
    ...connection,
    refresh: () => {
      refreshed += 1
      return connection.refresh()
    },
  }
  await using watched = await watch(counting, { limits: { watchSeconds: 3 } })
  await rotate()
  // The API server remembers a good token for ten seconds.
  await until('a refresh', () => refreshed > 0, 40)
  await patch('pod-4', 'after-the-rotation')
  await assertComplete(watched)
  assert.equal(watched.counters().gaps, 0)
  rmSync(directory, { recursive: true })
})

test('events compacted away: a gap, then the past events of pods in flight', options, async () => {
  const involvedObject = { kind: 'Pod', namespace: 'default', name: 'pod-1' }
  const create = (name: string) =>
    real.call('POST', '/api/v1/namespaces/default/events', {
      metadata: { name },
      involvedObject,
      reason: 'Tested',
    })
  await create('before')
  await using door = await Door.before(real.url)
  await using watched = await watch(direct(door.url), { streams: ['pods', 'events'] })
  await until('the past event', () => watched.cluster.backfill.events === 1)
  door.shut()
  await create('while-shut')
  await patch('pod-1', 'between')
  await real.compact()
  door.open()
  await create('after')
  const events = (): string[] =>
    objects(watched.frames)
      .filter((frame) => frame.source === 'events')
      .map((frame) => frame.record.name)
  await until('both events', () => events().includes('while-shut') && events().includes('after'))
  assert.ok(watched.frames.some((frame) => frame.kind === 'gap' && frame.source === 'events'))
})

test('2,000 pods at the start arrive once each, with and without WatchList', options, async () => {
  await createPods(2000, 'many')
  for (const flags of [[], ['--feature-gates=WatchList=false']]) {
    await real.kill()
    await real.startServer(flags)
    await using watched = await watch(direct())
    const seen = objects(watched.frames)
    assert.equal(new Set(seen.map((frame) => frame.record.uid)).size, seen.length)
    await assertComplete(watched)
  }
})

test('real objects are the same record from protobuf and from JSON', reading, async () => {
  const connection = await openConnection({ kubeconfig: testedCluster().kubeconfig })
  const signal = new AbortController().signal
  let compared = 0
  for (const source of ['pods', 'events', 'nodes', 'leases', 'replicasets', 'deployments', 'jobs']) {
    const resource = knownResource(source)
    const read = async (encoding: 'protobuf' | 'json') => {
      const page = await readPage({
        connection,
        resource,
        path: queryOf(resource, {}, { limit: 500 }),
        encoding,
        signal,
      })
      assert.equal(page.kind, 'page')
      return page.kind === 'page' ? [...page.items] : []
    }
    const fromJson = new Map(
      (await read('json')).map((item) => (item.ok ? [keyOf(item.record), item.record] : ['', undefined])),
    )
    for (const item of await read('protobuf')) {
      assert.ok(item.ok)
      const other = fromJson.get(keyOf(item.record))
      if (!other) continue // changed between the two lists
      assert.deepStrictEqual(item.record, other)
      compared += 1
    }
  }
  assert.ok(compared > 0)
  await connection.close()
})

const keyOf = (record: { uid: string; resourceVersion: string }): string =>
  `${record.uid} ${record.resourceVersion}`

test(
  'a service account without rights on nodes, leases and events goes on, and says what that costs',
  reading,
  async () => {
    const administrator = testedCluster().kubeconfig
    using api = new Api(administrator)
    await using account = await makeAccount(api, administrator, [
      { apiGroups: [''], resources: ['pods'], verbs: ['get', 'list', 'watch'] },
      { apiGroups: ['apps'], resources: ['*'], verbs: ['get', 'list', 'watch'] },
      { apiGroups: ['batch'], resources: ['*'], verbs: ['get', 'list', 'watch'] },
    ])
    const cluster = await openCluster({ kubeconfig: account.kubeconfig })
    try {
      await cluster.ready
      const missing = cluster.missing()
      const named = missing.map((each) => each.resource).toSorted()
      // What else a start may wait for is named too, as far as this cluster serves it.
      assert.deepStrictEqual(
        named.filter((source) => !RELATED_SOURCES.includes(source)),
        ['events', 'leases', 'nodes'],
      )
      assert.ok(named.includes('persistentvolumeclaims') && named.includes('volumeattachments'))
      for (const each of missing) assert.match(`${each.reason} ${each.cost}`, /forbidden.*\.$/s)
      assert.equal(cluster.counters.get('pods')?.state, 'live')
      const nodes = await cluster.api.may({ verb: 'list', group: '', resource: 'nodes' })
      assert.deepStrictEqual(nodes, { ok: true, value: false })
    } finally {
      await cluster.close()
    }
  },
)
