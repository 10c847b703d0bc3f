import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { InFlight } from '../../src/trace/in-flight.ts'
import { createMatcher, type Chooser } from '../../src/session/match.ts'
import { fullStatus } from './full-status.ts'
import { at, drive, inFlight, ofDeployment, session, start } from './made.ts'

const SESSIONS = 1000
const PODS = 20_000

/** Counts how often choosers were looked at, so that no test depends on how fast the machine is. */
test('a pod is compared with the sessions that may match it, not with all of them', () => {
  const matcher = createMatcher<Chooser>()
  let looks = 0
  for (let number = 0; number < SESSIONS; number += 1) {
    const choice: Chooser['choice'] = {
      target: undefined,
      selector: { matchLabels: { app: `app-${number}` } },
      namespaces: undefined,
    }
    matcher.add({
      namespace: 'shop',
      get choice() {
        looks += 1
        return choice
      },
    })
  }
  looks = 0
  const pod = { namespace: 'shop', name: 'p', labels: { app: 'app-7', tier: 'a' }, owners: ofDeployment('x') }
  assert.equal(matcher.matching(pod).length, 1)
  assert.ok(looks <= 2, `${looks} sessions were looked at`)
})

function sessionOf(number: number) {
  const targetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: `web-${number}` }
  const podSelector = { matchLabels: { app: `web-${number}` } }
  return session(number % 2 === 0 ? { targetRef } : { podSelector }, {
    name: `s-${number}`,
    namespace: `ns-${number % 50}`,
  })
}

const podOf = (pod: number): InFlight =>
  inFlight({
    pod,
    namespace: `ns-${pod % 50}`,
    labels: { app: `web-${pod % SESSIONS}` },
    owners: ofDeployment(`web-${pod % SESSIONS}`),
  })

test('a thousand sessions and twenty thousand pods in flight: a second in which nothing changed writes nothing and matches nothing', () => {
  const driven = drive()
  for (let number = 0; number < SESSIONS; number += 1) driven.apply(sessionOf(number))
  driven.backfilled()
  const starts = Array.from({ length: PODS }, (_, pod) => podOf(pod))
  driven.book.startsInFlight(starts, at(1))
  const first = [1, 2, 3, 4].map((second) => driven.book.due(at(second)))
  assert.deepEqual(
    first.map(({ length }) => length),
    [250, 250, 250, 250],
    'not all at once, and each has its turn',
  )
  const all = first.flat()
  assert.equal(new Set(all.map(({ session: { uid } }) => uid)).size, SESSIONS)
  assert.ok(all.every(({ status }) => status.pods?.starting === PODS / SESSIONS))
  for (let second = 5; second <= 25; second += 1) {
    driven.book.startsInFlight(starts, at(second))
    assert.equal(driven.book.due(at(second)).length, 0)
  }
  assert.equal(driven.book.counters()['pods in flight'], PODS)
  for (let pod = 0; pod < PODS; pod += 1) {
    const { namespace, labels, owners } = podOf(pod)
    driven.book.take(start({ pod, namespace, labels, owners }), at(26))
  }
  assert.equal(driven.book.counters()['pods in flight'], 0)
  const last = [40, 41, 42, 43].flatMap((second) => driven.book.due(at(second)))
  assert.equal(last.length, SESSIONS)
  assert.ok(last.every(({ status }) => status.pods?.ready === PODS / SESSIONS))
})

test('limits that are reached are counted', () => {
  const driven = drive()
  driven.apply(session({ allPods: true }))
  for (let pod = 0; pod < 100; pod += 1) {
    const attributes = { 'container.image.name': `image-${pod}` }
    const operations = [{ name: 'pull image', from: 0, to: 1, attributes }]
    driven.take({ pod, revision: `r-${pod}`, created: pod, operations })
  }
  assert.equal(driven.book.counters()['limit.images and revisions'], 100 - 64 + (100 - 16))
  driven.tick(200)
  assert.deepEqual(
    driven.status().revisions?.map(({ revision }) => revision),
    ['r-99', 'r-98', 'r-97', 'r-96', 'r-95'],
  )
})

test('a status stays below 20 KB, whatever goes into it', () => {
  const status = fullStatus()
  const lists = ['objectives', 'operations', 'revisions', 'images', 'slowest', 'stuck'] as const
  for (const list of lists) assert.ok((status[list]?.length ?? 0) > 1, list)
  const size = JSON.stringify(status).length
  assert.ok(size < 20_480, `${size} bytes`)
})
