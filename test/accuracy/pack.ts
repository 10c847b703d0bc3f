// Owns the form in which whole traces go from one process to another: JSON, with nanoseconds as marked text.
// Promises that what is unpacked equals what was packed. Is not an output of the product: see trace/start-json.ts.

import type { Trace } from '../../src/trace/trace.ts'

const NANOSECONDS = /^-?\d+n$/

export function packTrace(trace: Trace): string {
  return JSON.stringify(trace, (_, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value))
}

export function unpackTrace(text: string): Trace {
  return JSON.parse(text, (_, value: unknown) =>
    typeof value === 'string' && NANOSECONDS.test(value) ? BigInt(value.slice(0, -1)) : value,
  ) as Trace
}
