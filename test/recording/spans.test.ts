import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { Frame, OtlpFrame } from '../../src/base/frame.ts'
import type { NativeSpan } from '../../src/base/native.ts'
import { unixNano } from '../../src/base/time.ts'
import { decodeJsonSpans, EVERY_SPAN } from '../../src/decode/otlp.ts'
import { toRequestJson } from '../../src/decode/otlp-request.ts'
import { readRecording } from '../../src/recording/read.ts'
import { redactSpans } from '../../src/recording/redact-spans.ts'
import { createRecordingWriter } from '../../src/recording/write.ts'
import { CAPTURED, type Json } from '../support/captured-requests.ts'

const directory = mkdtempSync(join(tmpdir(), 'podspan-spans-'))
after(() => rmSync(directory, { recursive: true }))

function spansOf(request: unknown): readonly NativeSpan[] {
  const decoded = decodeJsonSpans(request, EVERY_SPAN)
  assert.ok(decoded.ok)
  return decoded.spans
}

const T = unixNano(1_795_992_400_000_000_000n)

async function recorded(lines: readonly object[], redact: boolean): Promise<Frame[]> {
  const path = join(directory, 'a.jsonl.gz')
  const writer = createRecordingWriter(path, {}, { redact })
  for (const object of lines) writer.write({ t: T, resource: 'otlp', type: 'ADDED', object: object as Json })
  await writer.close()
  const frames: Frame[] = []
  for await (const frame of (await readRecording(path)).frames) frames.push(frame)
  return frames
}

const otlp = (frames: readonly Frame[]): OtlpFrame[] => frames.filter((frame) => frame.kind === 'otlp')

/** All of a span that can be compared. */
const whole = (span: NativeSpan) => ({
  ...span,
  origin: span.origin.describe(),
  body: span.body.describe(),
})

test('spans that were recorded come back as they were, in one frame per request', async () => {
  const frames = otlp(await recorded(CAPTURED, false))
  assert.deepEqual(
    frames.map(({ t, spans }) => [t, spans.map(whole)]),
    CAPTURED.map((request) => [T, spansOf(request).map(whole)]),
  )
})

test('what was kept of a request is a request again', () => {
  for (const request of CAPTURED) {
    const spans = spansOf(request)
    assert.deepEqual(spansOf(toRequestJson(spans)).map(whole), spans.map(whole))
  }
})

test('a redacted recording joins spans to pods as the whole one does', async () => {
  const joining = ({ traceId, spanId, parentSpanId, name, start, end, attributes }: NativeSpan) => {
    const { 'url.full': _1, 'http.url': _2, 'http.target': _3, 'url.path': _4, key: _5, ...rest } = attributes
    return { traceId, spanId, parentSpanId, name, start, end, rest }
  }
  const frames = otlp(await recorded(CAPTURED, true))
  assert.deepEqual(
    frames.map(({ spans }) => spans.map(joining)),
    CAPTURED.map((request) => spansOf(request).map(joining)),
  )
  const keys = frames.flatMap(({ spans }) => spans.map(({ attributes }) => attributes['key']))
  assert.ok(keys.some((key) => key?.startsWith('/pods/')))
})

const SECRET = 'hunter2'
const attribute = (key: string, value: object) => ({ key, value })
const text = (key: string, stringValue: string) => attribute(key, { stringValue })

/** A span with the word wherever an application or a registry may have put one. */
const TELLING: Json = {
  resourceSpans: [
    {
      resource: { attributes: [text('service.name', 'shop'), text('process.command_args', SECRET)] },
      scopeSpans: [
        {
          spans: [
            {
              traceId: 'ab'.repeat(16),
              spanId: 'cd'.repeat(8),
              name: 'start',
              startTimeUnixNano: '1795992400000000000',
              endTimeUnixNano: '1795992400000000001',
              attributes: [
                text('db.statement', SECRET),
                text('http.url', `https://registry.example/v2/blobs/1?signature=${SECRET}`),
                text('url.path', `/api/v1/namespaces/shop/secrets/${SECRET}`),
                text('url.full', `https://10.0.0.1/api/v1/namespaces/shop/pods/web-0/status?token=${SECRET}`),
                text('key', '/pods/shop/web-0'),
                attribute('list', { arrayValue: { values: [{ stringValue: SECRET }] } }),
                attribute('bytes', { bytesValue: SECRET }),
                attribute('size', { intValue: '7' }),
              ],
              events: [{ name: 'exception', attributes: [text('exception.message', SECRET)] }],
              status: { code: 2, message: `secret "${SECRET}" not found` },
            },
          ],
        },
      ],
    },
  ],
}

test('nothing that may be a secret is left, and what joins the span is', () => {
  const redacted = redactSpans(TELLING)
  assert.ok(!JSON.stringify(redacted).includes(SECRET))
  const [span] = spansOf(redacted)
  assert.deepEqual(span?.attributes, {
    'http.url': 'redacted',
    'url.path': 'redacted',
    'url.full': 'https://10.0.0.1/api/v1/namespaces/shop/pods/web-0/status',
    key: '/pods/shop/web-0',
  })
  assert.equal(span?.origin.service, 'shop')
  assert.deepEqual(
    span?.body.describe().attributes?.find(({ key }) => key === 'size'),
    attribute('size', { intValue: '7' }),
  )
})

test('redacting twice changes nothing', () => {
  for (const request of [...CAPTURED, TELLING]) {
    const once = redactSpans(request)
    assert.deepEqual(redactSpans(once), once)
  }
})

test('a line of spans that is none is told with its place, and the others are used', async () => {
  const path = join(directory, 'broken.jsonl')
  const line = (object: unknown): string =>
    JSON.stringify({ t: T.toString(), resource: 'otlp', type: 'ADDED', object })
  writeFileSync(
    path,
    ['{"podspan":"recording/v1"}', line({ resourceSpans: 7 }), line(CAPTURED[1])].join('\n').concat('\n'),
  )
  const problems: string[] = []
  const recording = await readRecording(path, { onProblem: (sentence) => void problems.push(sentence) })
  const frames: Frame[] = []
  for await (const frame of recording.frames) frames.push(frame)
  assert.equal(otlp(frames).length, 1)
  assert.equal(recording.counts.broken, 1)
  assert.match(problems.join(), /broken\.jsonl:2 .*expected a list \(resourceSpans\)/)
})
