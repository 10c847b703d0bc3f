// Owns the operator's page as somebody at its loopback meets it: what is in the ring, in flight and judged, on every replica.

import assert from 'node:assert/strict'
import { request } from 'node:http'
import { test } from 'node:test'
import type { About, SessionRow, StartPage } from '../../src/web/row.ts'
import {
  openWorld,
  type Replica,
  sessionObject,
  startPod,
  podUid,
  type World,
  livePod,
} from './operator-harness.ts'

const ALL = { allPods: true, completion: { when: 'Never' }, exporter: 'default' }

const portOf = ({ lines }: Replica): number =>
  Number(lines.find(({ message }) => message === 'the page is served on loopback')?.['port'] ?? 0)

async function ready(world: World, replica: Replica): Promise<void> {
  await world.until(`${replica.name} is ready`, () =>
    replica.lines.some(({ message }) => message === 'podspan is ready'),
  )
}

async function read<T>(replica: Replica, path: string): Promise<T> {
  const answer = await fetch(`http://127.0.0.1:${portOf(replica)}${path}`)
  assert.equal(answer.status, 200, path)
  return (await answer.json()) as T
}

test('the page of every replica has what is over, what is in flight, and the sessions', async () => {
  await using world = await openWorld()
  world.server.store.load('tracesessions', [sessionObject('all', ALL)])
  const first = world.replica('first', 'page: {port: 0}')
  await ready(world, first)
  const second = world.replica('second', 'page: {port: 0}')
  await ready(world, second)
  await startPod(world, 1)
  await world.until('it is exported', () => world.sent.length === 1)
  world.server.store.apply('pods', livePod(2, 'created', world.clock.now()))
  await world.pass(3000)
  for (const replica of [first, second]) {
    const { finished } = await read<StartPage>(replica, '/api/starts')
    assert.deepEqual(
      finished.map(({ uid }) => uid),
      [podUid(1)],
    )
    const { podspan } = await read<{ podspan: string }>(replica, `/api/starts/${podUid(2)}`)
    assert.equal(podspan, 'start/v1')
    const [session] = await read<SessionRow[]>(replica, '/api/sessions')
    assert.deepEqual([session?.name, session?.starts], ['all', finished.map(({ id }) => id)])
  }
  const roles = await Promise.all([first, second].map((replica) => read<About>(replica, '/api/about')))
  assert.deepEqual(
    roles.map(({ pod, role }) => [pod, role]),
    [
      ['first', 'leader'],
      ['second', 'standby'],
    ],
  )
})

test('a page that is open hears of a start as it ends', async () => {
  await using world = await openWorld()
  const replica = world.replica('a', 'page: {port: 0}')
  await ready(world, replica)
  let heard = ''
  const open = request({ host: '127.0.0.1', port: portOf(replica), path: '/api/events' }, (response) => {
    response.setEncoding('utf8')
    response.on('data', (text: string) => (heard += text))
    response.on('error', () => undefined)
  })
  open.on('error', () => undefined)
  open.end()
  await world.until('the stream is open', () => heard.includes('event: flight'))
  await startPod(world, 1)
  await world.until('it is told', () => heard.includes('event: finished'))
  world.server.store.apply('pods', livePod(2, 'created', world.clock.now()))
  await world.until('the next one is in flight', () =>
    /event: changes\ndata: .*waiting to be scheduled/.test(heard),
  )
  open.destroy()
})

test('without a page nothing listens, and a port that is taken keeps nobody from working', async () => {
  await using world = await openWorld()
  const off = world.replica('off', 'page: {enabled: false}')
  await ready(world, off)
  assert.equal(portOf(off), 0)
  const first = world.replica('first', 'page: {port: 0}')
  await ready(world, first)
  const late = world.replica('late', `page: {port: ${portOf(first)}}`)
  await ready(world, late)
  assert.match(JSON.stringify(late.lines), /EADDRINUSE.*the page cannot be served; see page.port/)
})
