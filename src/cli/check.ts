// Owns `podspan check`: what may be seen, whose clocks are off, what this version tells, how many spans a month it would make.
// Promises to read only, and exit code 1 where something that traces need is missing.
// Does not fix anything; each row says what its absence costs.

import { type DurationNano, toMilliseconds } from '../base/time.ts'
import type { ClockReport } from '../trace/pipeline.ts'
import { type ClusterOptions, connect, type Target, valueOf } from './connect.ts'
import type { Context } from './context.ts'
import { checkJson } from './check-json.ts'
import { readRights, type Right } from './check-rights.ts'
import { type Estimate, estimate } from './estimate.ts'
import { differencesOf, isTested, minorOf, TESTED } from './evidence.ts'
import { EXIT, type ExitCode } from './exit.ts'
import { ansi, type Paint, plain, toAscii } from './glyphs.ts'
import { jsonLine } from './json-line.ts'
import { startLive } from './live.ts'
import type { CreatePipeline } from './replay-options.ts'
import type { Feature } from './options.ts'
import { formatDuration, neutralise, padEnd, plural, wrap } from './text.ts'

export interface CheckOptions extends ClusterOptions {
  readonly for?: DurationNano
  /** What is left out on purpose, so that to miss it is no finding. */
  readonly without?: readonly Feature[]
  readonly output: 'text' | 'json'
}

/** Each node renews its Lease every 10 s. */
const WATCH_MS = 12_000

export async function check(
  context: Context,
  options: CheckOptions,
  createPipeline: CreatePipeline,
): Promise<ExitCode> {
  const target = await connect(context, options)
  const page = options.output === 'json' ? undefined : new Page(context)
  const { contextName, origin } = target.connection
  const { version } = target
  await page?.section(`Cluster ${contextName} at ${origin}, Kubernetes ${version}`, [])
  const rights = await readRights(target, options, context.signal)
  await page?.section(
    `What may be seen in ${options.namespace ?? 'all namespaces'}`,
    rights.flatMap((right) => page.right(right)),
  )
  const seen = new Set(rights.filter(({ allowed }) => allowed).map(({ resource }) => resource))
  const clocks = await readClocks(context, target, options, seen, createPipeline)
  await page?.section('Clocks', page.lines(clocks === undefined ? [NO_LEASES] : describeClocks(clocks)))
  await page?.section('What this version tells', page.versionLines(version))
  const spans = seen.has('pods') ? await readEstimate(context, target, options.namespace, seen) : undefined
  if (spans) await page?.section('Spans a month', page.lines(estimateLines(spans)))
  await target.connection.close()
  if (context.signal.aborted) return EXIT.interrupted
  const complete = rights.every(({ allowed, optional }) => allowed || optional)
  if (!page) {
    const { namespace } = options
    await context.terminal.print(
      jsonLine(checkJson({ contextName, origin, version, namespace, complete, rights, clocks, spans })),
    )
  }
  return complete ? EXIT.ok : EXIT.finding
}

class Page {
  readonly #context: Context
  readonly #paint: Paint

  constructor(context: Context) {
    this.#context = context
    this.#paint = context.terminal.look().colour ? ansi : plain
  }

  async section(title: string, lines: readonly string[]): Promise<void> {
    const { ascii, width } = this.#context.terminal.look()
    const titles = wrap(title, width, LINES).map((line) => this.#paint('bold', line))
    const text = [...titles, ...lines.map((line) => `  ${line}`), '', ''].join('\n')
    await this.#context.terminal.print(ascii ? toAscii(text) : text)
  }

  /** Within a section, which is indented. */
  lines(sentences: readonly string[]): string[] {
    return sentences.flatMap((sentence) => wrap(sentence, this.#context.terminal.look().width - 2, LINES))
  }

  /** What follows a mark stands in a column of its own. */
  #marked(mark: string, text: string): string[] {
    const [first = '', ...more] = wrap(text, this.#context.terminal.look().width - 7, LINES)
    return [`${mark}  ${first}`, ...more.map((line) => `     ${line}`)]
  }

  #mark(good: boolean): string {
    return good ? this.#paint('green', 'yes') : this.#paint('red', 'no ')
  }

  versionLines(version: string): string[] {
    const minor = minorOf(version)
    if (minor === undefined)
      return this.lines([`The version ${neutralise(version)} cannot be read; nothing is assumed.`])
    const rows = differencesOf(minor).flatMap(({ holds, text }) => this.#marked(this.#mark(holds), text))
    const untested = `Podspan is tested with 1.${TESTED.from} to 1.${TESTED.to}; this version may differ in what it tells.`
    return isTested(minor) ? rows : [...rows, ...this.lines([untested])]
  }

  right({ resource, served, allowed, cost, missing }: Right): string[] {
    const label = padEnd(resource, RESOURCE_WIDTH)
    if (!served) return this.#marked(this.#paint('dim', '–  '), `${label} not served by this cluster`)
    const words = allowed ? 'get, list, watch' : `${missing.join(', ')} not allowed. ${cost}`
    return this.#marked(this.#mark(allowed), `${label} ${words}`)
  }
}

const LINES = 5
const RESOURCE_WIDTH = 'persistentvolumeclaims'.length

const NO_LEASES = 'Leases may not be watched, so clocks are known only from events of pods that start.'

/** Undefined where leases may not be watched. */
async function readClocks(
  context: Context,
  target: Target,
  options: CheckOptions,
  seen: ReadonlySet<string>,
  createPipeline: CreatePipeline,
): Promise<readonly ClockReport[] | undefined> {
  const streams = ['pods', 'events', 'nodes', 'leases'].filter((source) => seen.has(source))
  if (!seen.has('leases')) return undefined
  const waitMs = options.for === undefined ? WATCH_MS : toMilliseconds(options.for)
  context.terminal.say(
    `podspan: watching the nodes' leases for ${formatDuration((BigInt(Math.round(waitMs)) * 1_000_000n) as DurationNano)} …`,
  )
  const pipeline = createPipeline({})
  const live = await startLive(context, target, pipeline, {
    ...(options.namespace !== undefined && { namespace: options.namespace }),
    streams,
    onTrace: () => {},
  })
  await context.clock.sleep(waitMs, context.signal)
  const reports = pipeline.clocks()
  await live.close()
  return reports
}

/** Clocks that agree with ours within their interval are counted, the others named. */
export function describeClocks(reports: readonly ClockReport[]): string[] {
  const known = reports.filter(({ samples }) => samples > 0)
  const off = known.filter(isOff)
  const widest = known.reduce(
    (most, { offsetFrom = 0n, offsetTo = 0n }) =>
      offsetTo - offsetFrom > most ? offsetTo - offsetFrom : most,
    0n,
  ) as DurationNano
  const lines = off.map((report) => `${neutralise(report.clock)} is ${describeOffset(report)}`)
  const agreeing = known.length - off.length
  if (known.length === 0) return ['No lease was renewed in this time; try a longer --for.']
  return [
    ...lines,
    `${plural(agreeing, 'clock')} agree${agreeing === 1 ? 's' : ''} with this machine's within what can be told (intervals up to ${formatDuration(widest)} wide).`,
  ]
}

const isOff = ({ offsetFrom, offsetTo }: ClockReport): boolean =>
  (offsetFrom !== undefined && offsetFrom > 0n) || (offsetTo !== undefined && offsetTo < 0n)

/** An offset is what has to be added to the clock's time to get ours: positive where it is behind. */
function describeOffset({ offsetFrom, offsetTo }: ClockReport): string {
  const behind = offsetFrom !== undefined && offsetFrom > 0n
  const [least, most] = behind ? [offsetFrom, offsetTo] : [negate(offsetTo), negate(offsetFrom)]
  const range =
    most === undefined
      ? `at least ${formatDuration(least ?? (0n as DurationNano))}`
      : `${formatDuration(least ?? (0n as DurationNano))} to ${formatDuration(most)}`
  return `${range} ${behind ? 'behind' : 'ahead of'} this machine's clock; its times are shifted by the nearer end.`
}

const negate = (length: DurationNano | undefined): DurationNano | undefined =>
  length === undefined ? undefined : (-length as DurationNano)

const EVENTS_MAX = 50_000

async function readEstimate(
  { clock }: Context,
  { api, connection }: Target,
  namespace: string | undefined,
  seen: ReadonlySet<string>,
): Promise<Estimate> {
  const pods = valueOf(await api.listPods(namespace === undefined ? {} : { namespace }), connection)
  const read = seen.has('events') ? await api.readEvents(namespace, { limit: EVENTS_MAX }) : undefined
  const events = read?.ok ? read.value.events : undefined
  return estimate({
    nowSeconds: Number(clock.now() / 1_000_000_000n),
    pods,
    events,
    truncated: read?.ok === true && read.value.truncated,
  })
}

const estimateLines = (result: Estimate): string[] => [describeEstimate(result), ...result.how]

function describeEstimate({ spansPerMonth: [low, high], startsPerMonth: [fewest, most] }: Estimate): string {
  const number = (value: number): string => Math.round(value).toLocaleString('en-US')
  const range = (from: number, to: number): string =>
    from === to ? `about ${number(to)}` : `${number(from)} to ${number(to)}`
  return `${range(low, high)} spans, for ${range(fewest, most)} starts.`
}
