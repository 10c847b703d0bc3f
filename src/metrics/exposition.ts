// Owns the text of /metrics: two registries of prom-client over the same numbers, one for OpenMetrics and one for the text format.
// Promises the format that the scraper asked for, `# EOF` at the end of OpenMetrics, and numbers of one moment.
// Does not keep numbers: they are collected when somebody scrapes. prom-client's own counters and histograms cannot be moved from one
// label to another, and date exemplars by the machine's clock; its registries write and escape, and take whatever has a `get`.

import { type Metric, type OpenMetricsContentType, Registry } from 'prom-client'
import { DEFINITIONS, type MetricName } from './definitions.ts'
import type { Format, Sample } from './samples.ts'

/** What a scraper is shown of the samples of a metric. */
export type Show = (name: MetricName, samples: readonly Sample[]) => readonly Sample[]

export interface Exposed {
  readonly contentType: string
  readonly body: string
}

/** How each metric comes by its samples. */
export type Collectors = Readonly<Record<MetricName, (format: Format) => readonly Sample[]>>

export interface Exposition {
  expose(accept?: string): Promise<Exposed>
}

/** `show` is for OpenMetrics: whoever reads the text format reads it once, and wants what is so. */
export function createExposition(collectors: Collectors, show: Show): Exposition {
  const openMetrics = new Registry<OpenMetricsContentType>()
  openMetrics.setContentType(Registry.OPENMETRICS_CONTENT_TYPE)
  const text = new Registry()
  for (const name of Object.keys(DEFINITIONS) as MetricName[]) {
    openMetrics.registerMetric(
      familyOf(name, 'openmetrics', (format) => show(name, collectors[name](format))),
    )
    text.registerMetric(familyOf(name, 'text', collectors[name]))
  }
  return {
    async expose(accept) {
      const registry = asksForOpenMetrics(accept) ? openMetrics : text
      return { contentType: registry.contentType, body: await registry.metrics() }
    },
  }
}

/** What a registry needs of a metric; its type names the package's own classes only. */
function familyOf(name: MetricName, format: Format, collect: Collectors[MetricName]): Metric {
  const { type, help } = DEFINITIONS[name]
  // An OpenMetrics counter is named without the suffix that its sample has.
  const family = { name: format === 'openmetrics' ? name.replace(/_total$/, '') : name, help, type }
  return {
    ...family,
    get: () => Promise.resolve({ ...family, values: collect(format) }),
  } as unknown as Metric
}

const ACCEPT_MAX = 2000
const OPENMETRICS_VERSIONS = new Set(['', '0.0.1', '1.0.0'])

/** Prometheus names OpenMetrics with a higher quality than text; whoever names neither gets text. */
export function asksForOpenMetrics(accept = ''): boolean {
  let [openMetrics, text] = [0, 0]
  for (const range of accept.slice(0, ACCEPT_MAX).toLowerCase().split(',')) {
    const [type = '', ...parameters] = range.split(';').map((part) => part.trim())
    const quality = Number(valueOf(parameters, 'q') ?? 1) || 0
    const version = valueOf(parameters, 'version') ?? ''
    if (type === 'application/openmetrics-text' && OPENMETRICS_VERSIONS.has(version)) {
      openMetrics = Math.max(openMetrics, quality)
    } else if (type === 'text/plain') text = Math.max(text, quality)
  }
  return openMetrics > 0 && openMetrics >= text
}

const valueOf = (parameters: readonly string[], name: string): string | undefined =>
  parameters
    .find((parameter) => parameter.startsWith(`${name}=`))
    ?.slice(name.length + 1)
    .replaceAll('"', '')
