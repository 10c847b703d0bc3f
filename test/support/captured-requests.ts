// Owns the requests of spans that real components sent, for tests that decode, forge or damage them.
// Promises them as their exporters wrote them, parsed from JSON. Does not decode.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'

export type Json = Record<string, unknown>

/** Of a control plane and a node of Kubernetes 1.36. */
export const CAPTURED: readonly Json[] = gunzipSync(
  readFileSync(join(import.meta.dirname, '..', 'decode', 'captured', 'otlp-1.36.jsonl.gz')),
)
  .toString()
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Json)
