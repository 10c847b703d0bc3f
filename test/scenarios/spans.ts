// Owns the components' spans in a recording: each request that the collector writes down, when it does, as a line.
// Promises what the product's receiver would have let through of it, redacted, without what is of other namespaces' pods alone: those of
// the scenario before are removed meanwhile. Does not read the truth: test/accuracy does.

import { existsSync, statSync } from 'node:fs'
import type { NativeSpan } from '../../src/base/native.ts'
import type { UnixNano } from '../../src/base/time.ts'
import { decodeJsonSpans } from '../../src/decode/otlp.ts'
import { toRequestJson } from '../../src/decode/otlp-request.ts'
import { formatFrame, OTLP } from '../../src/recording/format.ts'
import { redactSpans } from '../../src/recording/redact-spans.ts'
import { createPipeline, wantsSpan } from '../../src/trace/pipeline.ts'
import { textFrom } from '../accuracy/collector.ts'
import { clock } from './stage.ts'

export interface FollowedSpans {
  /** The lines of all that has come. */
  stop(): Promise<readonly string[]>
}

const LOOK_MS = 50

/** The collector writes a request as it comes, so that a line is as late as our look. */
export function followSpans(path: string, namespace: string): FollowedSpans {
  const requests: { readonly t: UnixNano; readonly spans: readonly NativeSpan[] }[] = []
  const stop = new AbortController()
  const pipeline = createPipeline()
  let from = existsSync(path) ? statSync(path).size : 0
  const look = (): void => {
    const t = clock.now()
    const text = textFrom(path, from)
    const whole = text.slice(0, text.lastIndexOf('\n') + 1)
    from += Buffer.byteLength(whole)
    for (const request of whole.split('\n').filter((line) => line.startsWith('{'))) {
      const pick = pipeline.chooseSpans
      const decoded = decodeJsonSpans(JSON.parse(request), {
        wants: wantsSpan,
        pick: (spans) => pick(spans, t),
      })
      if (!decoded.ok) throw new Error(`the collector wrote what is no request: ${decoded.error.what}`)
      requests.push({ t, spans: decoded.spans })
    }
  }
  const following = (async () => {
    while (!stop.signal.aborted) {
      await clock.sleep(LOOK_MS, stop.signal)
      look()
    }
  })()
  return {
    stop: async () => {
      stop.abort()
      await following
      const others = tracesOfOthers(
        requests.flatMap(({ spans }) => spans),
        namespace,
      )
      return requests.flatMap(({ t, spans }) =>
        lineOf(
          t,
          spans.filter(({ traceId }) => !others.has(traceId)),
        ),
      )
    },
  }
}

function lineOf(t: UnixNano, spans: readonly NativeSpan[]): string[] {
  if (spans.length === 0) return []
  const object = redactSpans({ ...toRequestJson(spans) })
  return [formatFrame({ t, resource: OTLP, type: 'ADDED', object })]
}

/** A pod's namespace in a path, a key of the store, or a container's name. */
const NAMESPACES = [
  /\/namespaces\/([^/?]+)\/pods/,
  /^\/pods\/([^/]+)\//,
  /^(?:[^_]+_)?[^_]+_([^_]+)_[^_]{36}_\d+$/,
]

function tracesOfOthers(spans: readonly NativeSpan[], own: string): Set<string> {
  const ours = new Set<string>()
  const others = new Set<string>()
  for (const { attributes, body, traceId } of spans) {
    const said = body.describe().attributes?.find(({ key }) => key === 'k8s.namespace.name')
      ?.value?.stringValue
    const named = Object.values(attributes).flatMap((text) =>
      NAMESPACES.flatMap((form) => form.exec(text)?.[1] ?? []),
    )
    for (const namespace of said === undefined ? named : [said, ...named])
      (namespace === own ? ours : others).add(traceId)
  }
  for (const traceId of ours) others.delete(traceId)
  return others
}
