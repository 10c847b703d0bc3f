// Owns a source of the page for tests: starts that are added by hand, and what else is given.
// Promises nothing in flight, no rollouts and no sessions unless they are. Does not serve.

import { collectStarts, type CollectedStarts, type PageSource } from '../../src/web/source.ts'

export interface TestSource {
  readonly source: PageSource
  readonly starts: CollectedStarts
}

export function sourceOf(given: Partial<PageSource> = {}): TestSource {
  const starts = collectStarts()
  const source: PageSource = {
    ...starts,
    about: () => ({ kind: 'cluster', title: 'test', version: '0', has: [] }),
    inFlight: () => [],
    get: starts.kept,
    ...given,
  }
  return { source, starts }
}
