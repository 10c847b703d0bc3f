// Owns the three forms that a trace is printed in.
// Promises one JSON document a line for both JSON forms, with nothing else on stdout.
// Does not define them: waterfall.ts, trace/start-json.ts (docs/output.md) and export/otlp-json.ts do.

import type { Trace } from '../trace/trace.ts'
import { jsonLine } from './json-line.ts'
import type { Terminal } from './terminal.ts'
import { drawWaterfall } from './waterfall.ts'

export const OUTPUT_FORMS = ['waterfall', 'otlp-json', 'json'] as const
export type OutputForm = (typeof OUTPUT_FORMS)[number]

export type Formatter = (trace: Trace) => string

/** The encoders are loaded only where they are asked for: a waterfall should not wait for them. */
export async function formatterOf(form: OutputForm, terminal: Terminal): Promise<Formatter> {
  if (form === 'waterfall') return (trace) => `${drawWaterfall(trace, terminal.look())}\n\n`
  if (form === 'json') {
    const { formatTrace } = await import('../trace/start-json.ts')
    return (trace) => jsonLine(formatTrace(trace))
  }
  const { toOtlpJson } = await import('../export/otlp-json.ts')
  const { createPreludes } = await import('../export/preludes.ts')
  const preludes = createPreludes()
  return (trace) => jsonLine(toOtlpJson(trace, undefined, preludes.take(trace)))
}
