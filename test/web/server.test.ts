// Owns the page's server as a browser meets it: what is answered, to whom, and how the live stream goes on.

import assert from 'node:assert/strict'
import { request as httpRequest } from 'node:http'
import { after, before, test } from 'node:test'
import { manualClock } from '../../src/base/clock.ts'
import { createPipeline } from '../../src/trace/pipeline.ts'
import type { Trace } from '../../src/trace/trace.ts'
import type { StartPage } from '../../src/web/row.ts'
import { type PageServer, startPageServer } from '../../src/web/server.ts'
import type { CollectedStarts } from '../../src/web/source.ts'
import { at, story, UID } from '../support/pods.ts'
import { traceOf } from '../support/pods-spans.ts'
import { sourceOf } from './source.ts'

const trace: Trace = traceOf(story().create(0).bind(20).admit(40).start(210, 'app').ready(300).frames(9000))
const waiting = createPipeline()
for (const frame of story({ uid: '77777777-0000-4000-8000-000000000001', name: 'slow' }).create(0).frames())
  if (frame.kind !== 'tick' || !frame.final) waiting.push(frame)

const clock = manualClock(at(0))
let starts: CollectedStarts
const errors: string[] = []
let server: PageServer

before(async () => {
  const made = sourceOf({ inFlight: () => waiting.inFlight() })
  starts = made.starts
  starts.add(trace)
  const files = () => ({
    'index.html': { type: 'text/html; charset=utf-8', body: '<!doctype html>page' },
    'long.txt': { type: 'text/plain', body: 'x'.repeat(100_000) },
  })
  server = await startPageServer({
    ...{ files, clock, port: 0 },
    source: {
      ...made.source,
      rollouts: () => {
        throw new Error('a bug')
      },
    },
    onError: ({ message }) => errors.push(message),
  })
})
after(() => server.close())

interface Got {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: string
}

function get(path: string, headers: Readonly<Record<string, string>> = {}, method = 'GET'): Promise<Got> {
  return new Promise((resolve, reject) => {
    const asked = httpRequest({ port: server.port, host: '127.0.0.1', path, headers, method }, (response) => {
      let body = ''
      response.setEncoding('utf8')
      response.on('data', (text: string) => (body += text))
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }))
    })
    asked.on('error', reject)
    asked.end()
  })
}

test('the page comes with a policy that lets it do nothing but what it is for', async () => {
  const { body, headers, status } = await get('/')
  assert.equal(status, 200)
  assert.equal(body, '<!doctype html>page')
  const policy = String(headers['content-security-policy'])
  assert.match(policy, /^default-src 'none'/)
  assert.ok(!policy.includes('unsafe'))
  assert.equal(headers['x-content-type-options'], 'nosniff')
})

test('the list has what is over, as the short form of it', async () => {
  const { finished, total } = JSON.parse((await get('/api/starts')).body) as StartPage
  assert.equal(total, 1)
  const [row] = finished
  assert.equal(row?.id, trace.traceId)
  assert.equal(row?.startupMs, Number(trace.startup) / 1e6)
  assert.equal(row?.longest, 'prepare pod and create sandbox')
})

test('the path of a row covers the start without a hole and in order', async () => {
  const { finished } = JSON.parse((await get('/api/starts')).body) as StartPage
  const path = finished[0]?.path ?? []
  assert.equal(path[0]?.[1], 0)
  for (const [index, part] of path.entries()) assert.equal(part[1], index === 0 ? 0 : path[index - 1]?.[2])
  assert.ok(Math.abs((path.at(-1)?.[2] ?? 0) - Number(trace.startup) / 1e6) < 0.02)
})

test('one start is found by its trace id and by the UID of its pod, and exported in both forms', async () => {
  for (const id of [trace.traceId, UID]) {
    const { body } = await get(`/api/starts/${id}`)
    assert.equal((JSON.parse(body) as { podspan: string }).podspan, 'start/v1')
  }
  const otlp = await get(`/api/starts/${trace.traceId}/otlp`)
  assert.ok('resourceSpans' in (JSON.parse(otlp.body) as object))
  assert.match(String(otlp.headers['content-disposition']), /^attachment; filename="[\w.-]+"$/)
  const { traceEvents } = JSON.parse((await get(`/api/starts/${trace.traceId}/chrome`)).body) as {
    traceEvents: { ph: string; dur?: number }[]
  }
  const spans = traceEvents.filter(({ ph }) => ph === 'X')
  assert.equal(spans.length, trace.spans.length)
  assert.ok(spans.every(({ dur }) => dur !== undefined && dur >= 0))
})

test('what is not there is 404 in words, whatever the path tries', async () => {
  for (const path of [
    '/nothing',
    '/../package.json',
    '/%2e%2e/package.json',
    '/api/starts/00000000000000000000000000000000',
    '/api/starts/x/otlp',
    '/constructor',
    '/__proto__',
  ]) {
    const { status, body } = await get(path)
    assert.equal(status, 404, path)
    assert.ok(!body.includes(path) || path.includes('0000'), path)
  }
})

test('another name of this machine, another origin and any write are refused', async () => {
  assert.equal((await get('/api/starts', { host: 'evil.example' })).status, 403)
  assert.equal((await get('/api/starts', { host: '127.0.0.1.evil.example' })).status, 403)
  assert.equal((await get('/api/starts', { 'sec-fetch-site': 'cross-site' })).status, 403)
  assert.equal((await get('/api/starts', { 'sec-fetch-site': 'same-site' })).status, 403)
  assert.equal((await get('/api/starts', { host: `localhost:${server.port}` })).status, 200)
  assert.equal((await get('/api/starts', {}, 'POST')).status, 405)
})

test('a link elsewhere may open the page, and nothing else', async () => {
  const link = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' }
  assert.equal((await get('/', link)).status, 200)
  assert.equal((await get('/?from=chat', link)).status, 200)
  assert.equal((await get('/api/starts', link)).status, 403)
  assert.equal((await get('/', { ...link, 'sec-fetch-dest': 'iframe' })).status, 403)
  assert.equal((await get('/', { ...link, 'sec-fetch-mode': 'no-cors' })).status, 403)
  assert.equal((await get('/', { ...link, host: 'evil.example' })).status, 403)
})

test('a bug in one answer is told, and is one answer of many', async () => {
  assert.equal((await get('/api/rollouts')).status, 500)
  assert.deepEqual(errors, ['a bug'])
  assert.equal((await get('/api/starts')).status, 200)
})

test('what is long comes packed to who can unpack it', async () => {
  const [plain, packed] = [await get('/long.txt'), await get('/long.txt', { 'accept-encoding': 'gzip, br' })]
  assert.equal(plain.headers['content-encoding'], undefined)
  assert.equal(plain.body.length, 100_000)
  assert.equal(packed.headers['content-encoding'], 'gzip')
  assert.ok(Number(packed.headers['content-length']) < 1000)
})

test('a page that is open is told of starts as they end', { timeout: 20_000 }, async () => {
  const names = await new Promise<string[]>((resolve, reject) => {
    const asked = httpRequest({ port: server.port, host: '127.0.0.1', path: '/api/events' }, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (part: string) => {
        if (text === '') starts.add(trace)
        text += part
        const seen = [...text.matchAll(/^event: (\w+)$/gm)].map(([, name]) => name ?? '')
        if (seen.length < 3) return
        resolve(seen)
        asked.destroy()
      })
    })
    asked.on('error', reject)
    asked.end()
  })
  assert.deepEqual(names, ['clock', 'flight', 'finished'])
})
