// Owns what a test run prints: each failure in full, slow tests, and a last line that test/run.ts reads.
// Promises to be quiet about what passed, to count a todo that fails as skipped, and a suite that is skipped as one test. Does not run
// anything.

import type { TestEvent } from 'node:test/reporters'
import { inspect } from 'node:util'

const SLOW_MS = 2000

export default async function* report(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const counts = { passed: 0, failed: 0, skipped: 0 }
  const failures: string[] = []
  for await (const event of source) {
    if (event.type === 'test:stdout' || event.type === 'test:stderr') yield event.data.message
    if (event.type !== 'test:pass' && event.type !== 'test:fail') continue
    const { data } = event
    if (data.details.type === 'suite' && data.skip === undefined) {
      // That a hook failed, or the time was up, is told nowhere else.
      if (event.type === 'test:fail' && failureOf(event.data.details.error) !== 'subtestsFailed')
        failures.push(failureText(data.name, data.file, data.line, event.data.details.error))
      continue
    }
    const excused = data.skip !== undefined || data.todo !== undefined
    counts[excused ? 'skipped' : event.type === 'test:pass' ? 'passed' : 'failed']++
    if (event.type === 'test:fail' && !excused) {
      failures.push(failureText(data.name, data.file, data.line, event.data.details.error))
      yield `✖ ${data.name}\n`
    } else if (excused) yield `– ${data.name}: ${reasonOf(data)}\n`
    if (data.details.duration_ms > SLOW_MS)
      yield `  ${Math.round(data.details.duration_ms)} ms: ${data.name}\n`
  }
  yield failures.map((text) => `\n${text}\n`).join('')
  yield `# passed ${counts.passed} failed ${counts.failed} skipped ${counts.skipped}\n`
}

/** What the runner calls it: `hookFailed`, `testTimeoutFailure`, and `subtestsFailed`, which only repeats what they said. */
const failureOf = (error: Error): unknown => (error as { failureType?: unknown }).failureType

function reasonOf({
  skip,
  todo,
}: {
  readonly skip?: string | boolean | undefined
  readonly todo?: string | boolean | undefined
}): string {
  const reason = skip ?? todo
  return typeof reason === 'string' && reason !== '' ? reason : skip === undefined ? 'todo' : 'skipped'
}

function failureText(name: string, file: string | undefined, line: number | undefined, error: Error): string {
  const cause = error.cause instanceof Error ? error.cause : error
  return `✖ ${name}\n  ${file ?? ''}:${line ?? ''}\n${inspect(cause).replaceAll(/^/gm, '  ')}`
}
