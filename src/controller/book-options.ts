// Owns what of the configuration the book of sessions has to know.
// Promises nothing else of it. Does not read the configuration.

import type { BookOptions } from '../session/book.ts'
import type { ControllerConfig } from './config.ts'

export function bookOptions(config: ControllerConfig, podNamespace: string): BookOptions {
  const { exporters, links, settle, startTimeout } = config
  const budgets = Object.entries(exporters).map(([name, { spansPerMinute }]) => [
    name,
    spansPerMinute === undefined ? {} : { spansPerMinute },
  ])
  return {
    namespace: podNamespace,
    exporters: Object.fromEntries(budgets) as BookOptions['exporters'],
    ...(links.traceURLTemplate !== undefined && { traceURLTemplate: links.traceURLTemplate }),
    startTimeout,
    settle,
  }
}
