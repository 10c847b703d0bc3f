// Owns the picture of a rollout in a terminal or a log: what it was waiting for, and its pods side by side from their creation on.
// Promises lines no wider than asked for, what is left out counted, and nothing from the cluster unneutralised.
// Does not find what held it (rollout/) and does not choose width, colour or alphabet (terminal.ts).

import { type DurationNano, since, ZERO } from '../base/time.ts'
import { quantilesOf } from '../rollout/quantiles.ts'
import type { Rollout, RolloutOutcome, RolloutPod, Share } from '../rollout/rollout.ts'
import { limitWords } from '../rollout/shares.ts'
import { traceOfRollout } from '../rollout/trace-of.ts'
import { rootOf, type Span, type Trace } from '../trace/trace.ts'
import { drawAxis } from './axis.ts'
import { ansi, ASCII, type Glyphs, type Paint, plain, type Style, toAscii, UNICODE } from './glyphs.ts'
import { drawStrip, explainLetters, type Letter } from './strip.ts'
import { displayWidth } from './display-width.ts'
import { formatDuration, formatShare, neutralise, padEnd, padStart, plural, truncate, wrap } from './text.ts'
import { drawSpans, type Look } from './waterfall.ts'

/** Holds that are drawn, the longest. */
const TOPS_MAX = 16
const PODS_MAX = 24
const SHARES_MAX = 8
const DIFFERENCES_MAX = 4

const OUTCOMES: Readonly<Record<RolloutOutcome, { readonly words: string; readonly style: Style }>> = {
  complete: { words: 'complete after', style: 'green' },
  failed: { words: 'failed, not complete after', style: 'red' },
  superseded: { words: 'superseded after', style: 'yellow' },
  deleted: { words: 'deleted after', style: 'yellow' },
  rolling: { words: 'rolling for', style: 'yellow' },
}

interface Drawing {
  readonly rollout: Rollout
  readonly look: Look
  readonly glyphs: Glyphs
  readonly paint: Paint
}

/** Without an end of line. */
export function drawRollout(rollout: Rollout, look: Look): string {
  const paint = look.colour ? ansi : plain
  const drawing = { rollout, look, paint, glyphs: look.ascii ? ASCII : UNICODE }
  const lines = [
    ...header(drawing),
    '',
    ...waits(drawing),
    '',
    ...sums(drawing),
    '',
    ...pods(drawing),
    '',
    ...footer(drawing),
  ]
  const text = lines.map((line) => line.trimEnd()).join('\n')
  return look.ascii ? toAscii(text) : text
}

export const outcomeWords = ({ outcome, length }: Rollout): string =>
  `${OUTCOMES[outcome].words} ${formatDuration(length)}`

function header(drawing: Drawing): string[] {
  const { rollout, look, paint } = drawing
  const { namespace, name, kind, revision, hash, outcome, verdict } = rollout
  const words = outcomeWords(rollout)
  const number = revision === undefined ? '' : ` revision ${neutralise(revision, 80)}`
  const pods = hash === undefined || hash === revision ? '' : ` (${neutralise(hash, 80)})`
  const title = truncate(
    `${neutralise(`${namespace}/${name}`, 200)}  ${kind}${number}${pods}`,
    look.width - words.length - 2,
  )
  return [
    `${paint('bold', title)}  ${paint(OUTCOMES[outcome].style, words)}`,
    ...[verdict, causeLine(rollout), paceLine(rollout), startupLine(rollout)]
      .filter((line) => line !== '')
      .flatMap((line) => wrap(neutralise(line), look.width, 4)),
  ]
}

const CAUSES = {
  created: 'created',
  template: 'its template changed',
  rollback: 'an earlier revision taken up again',
} as const

function causeLine({ cause }: Rollout): string {
  const { kind, by, words, differences } = cause
  const shown = differences
    .slice(0, DIFFERENCES_MAX)
    .map(({ path, from, to }) => (from && to ? `${path} ${from} → ${to}` : path))
  const more = differences.length > shown.length ? [`${differences.length - shown.length} more fields`] : []
  const what = [...shown, ...more].join(', ')
  const head = [CAUSES[kind], by === undefined ? '' : ` by ${by}`].join('')
  return [head, what, words ?? ''].filter((part) => part !== '').join(': ')
}

function paceLine({ pods, wanted, waves, atOnce, limits, kind, holds }: Rollout): string {
  if (pods.length === 0) return 'no new pods'
  const count =
    kind === 'Job'
      ? `${plural(pods.length, 'pod')} for ${wanted ?? pods.length} completions`
      : countOf(pods.length, wanted)
  const why = holds.find(({ because }) => because !== undefined && because !== 'last')?.because
  const limit =
    why || limits.strategy === 'RollingUpdate' || kind === 'Job' ? ` (${limitWords(kind, limits, why)})` : ''
  const ready = limits.minReadySeconds === undefined ? '' : `, minReadySeconds ${limits.minReadySeconds}`
  return `${count} in ${plural(waves, 'wave')}, at most ${atOnce} at a time${limit}${ready}`
}

const countOf = (have: number, wanted: number | undefined): string =>
  wanted === undefined || wanted === have ? plural(have, 'pod') : `${have} of ${plural(wanted, 'pod')}`

function startupLine({ pods }: Rollout): string {
  const over = pods.flatMap(({ trace }) => (trace && isOver(trace) ? [trace.startup] : []))
  const found = quantilesOf(over)
  if (!found) return ''
  const words = (['p50', 'p90', 'p99', 'max'] as const).map(
    (name) => `${name} ${formatDuration(found[name])}`,
  )
  return `startup of ${plural(found.count, 'pod')}: ${words.join('   ')}`
}

const isOver = ({ outcome }: Trace): boolean => outcome === 'ready' || outcome === 'completed'

/** The spans that it waited for, as a waterfall. */
function waits({ rollout, look }: Drawing): string[] {
  const { trace, hidden } = forPicture(traceOfRollout(rollout))
  const { lines } = drawSpans(trace, look)
  return hidden === 0
    ? [...lines]
    : [...lines, `${plural(hidden, 'shorter hold')} not shown; --output json has them all.`]
}

/** What it did not wait for is left out; an operation of less than this counts as its pod's. */
const LEAST = 0.03

function forPicture(trace: Trace): { trace: Trace; hidden: number } {
  const [root, ...all] = [rootOf(trace), ...trace.spans.slice(1)]
  const below = Map.groupBy(all, ({ parentSpanId = '' }) => parentSpanId)
  const whole = Number(since(root.end.best, root.start.best)) * LEAST
  const groups = all
    .filter(({ parentSpanId }) => parentSpanId === root.spanId)
    .map((top) => groupOf(top, below.get(top.spanId) ?? [], whole))
    .filter(({ length }) => length > ZERO)
  const kept = new Set(groups.toSorted((a, b) => Number(b.length - a.length)).slice(0, TOPS_MAX))
  const spans = groups.filter((group) => kept.has(group)).flatMap((group) => group.spans)
  return { trace: { ...trace, spans: [root, ...spans] }, hidden: groups.length - kept.size }
}

interface Group {
  readonly spans: readonly Span[]
  readonly length: DurationNano
}

function groupOf(top: Span, children: readonly Span[], least: number): Group {
  const waited = children.filter((child) => criticalOf(child) > ZERO)
  const shown = waited.filter((child) => Number(criticalOf(child)) >= least)
  const folded = waited.filter((child) => !shown.includes(child)).flatMap(({ critical }) => critical)
  const length = [top, ...waited].reduce((sum, each) => sum + criticalOf(each), 0n) as DurationNano
  return { spans: [{ ...top, critical: [...top.critical, ...folded] }, ...shown], length }
}

const criticalOf = ({ critical }: Span): DurationNano =>
  critical.reduce((sum, { from, to }) => sum + (to - from), 0n) as DurationNano

function sums({ rollout, look, paint }: Drawing): string[] {
  const { shares, length } = rollout
  if (length <= ZERO) return []
  const shown = shares.slice(0, SHARES_MAX)
  const rest = shares.length - shown.length
  return [
    paint('bold', 'what it waited for'),
    ...shown.map((share) => shareLine(share, length, look.width)),
    ...(rest > 0 ? [paint('dim', `… and ${rest} shorter`)] : []),
  ]
}

function shareLine({ words, length, pods: names, kind }: Share, whole: DurationNano, width: number): string {
  const figures = `${padStart(formatShare(Number(length) / Number(whole)), 6)} ${padStart(formatDuration(length), 9)}  `
  const [only] = names
  const of = kind === 'stop old pod' ? 'old pod' : 'pod'
  const who =
    names.length === 0
      ? ''
      : ` (${names.length === 1 ? neutralise(only ?? '', 80) : `${names.length} ${of}s`})`
  const room = width - displayWidth(figures)
  const said = neutralise(words)
  const isBoth = displayWidth(said) + displayWidth(who) <= room
  return (
    figures +
    (isBoth ? said + who : truncate(`${truncate(said, Math.max(12, room - displayWidth(who)))}${who}`, room))
  )
}

interface PodColumns {
  readonly name: number
  /** 0 where it is left out. */
  readonly offset: number
  readonly strip: number
}

const OFFSET = 10
const LENGTH = 10
const OUTCOME = 10
/** Where the window is narrower, it is not said when a pod was created. */
const WIDE_ENOUGH = 60

function pods(drawing: Drawing): string[] {
  const { rollout, look, glyphs, paint } = drawing
  if (rollout.pods.length === 0) return []
  const shown = choosePods(rollout)
  const offset = look.width < WIDE_ENOUGH ? 0 : OFFSET
  // All columns but the name and the strip, which has eight cells at least.
  const beside = 4 + 1 + offset + 2 + LENGTH + OUTCOME
  const longest = Math.max(...shown.map((pod) => displayWidth(neutralise(pod.name, 80))))
  const name = Math.min(36, look.width - beside - 8, longest)
  const columns = { name, offset, strip: look.width - beside - name }
  const whole = shown.reduce((most, pod) => maxOf(most, lengthOf(pod, rollout)), ZERO)
  const scale = {
    from: rollout.start.best,
    to: (rollout.start.best + whole) as typeof rollout.start.best,
    cells: columns.strip,
  }
  const used = new Set<Letter>()
  const rows = shown.map((pod) => podRow(drawing, pod, columns, whole, used))
  const left = ' '.repeat(4 + name + 1 + offset + 1)
  const rest = rollout.pods.length - shown.length
  return [
    paint('bold', 'pods, from their creation on'),
    ...drawAxis(scale, glyphs).map((line) => left + paint('dim', line.trimEnd())),
    ...rows,
    ...(rest > 0 ? [paint('dim', `… and ${plural(rest, 'faster pod')}`)] : []),
    ...wrap(explainLetters(used), look.width, 4).map((line) => paint('dim', line)),
  ]
}

const maxOf = (a: DurationNano, b: DurationNano): DurationNano => (a > b ? a : b)

function lengthOf(pod: RolloutPod, { end }: Rollout): DurationNano {
  const until = pod.finished ?? pod.available ?? pod.ready ?? end
  return maxOf(ZERO, since(until.best, pod.created.best))
}

/** Those that it waited for, then the slowest; in order of their creation. */
function choosePods(rollout: Rollout): RolloutPod[] {
  const waited = new Set(rollout.holds.flatMap(({ pod }) => (pod ? [pod.uid] : [])))
  const rank = (pod: RolloutPod): number => Number(lengthOf(pod, rollout)) + (waited.has(pod.uid) ? 1e18 : 0)
  const chosen = new Set(rollout.pods.toSorted((a, b) => rank(b) - rank(a)).slice(0, PODS_MAX))
  return rollout.pods.filter((pod) => chosen.has(pod))
}

function podRow(
  { rollout, glyphs, paint }: Drawing,
  pod: RolloutPod,
  columns: PodColumns,
  whole: DurationNano,
  used: Set<Letter>,
): string {
  const waited = rollout.holds.some((hold) => hold.pod === pod)
  const bad = pod.failed !== undefined || BAD.has(pod.outcome)
  const strip = drawStrip(pod, rollout.end.best, whole, columns.strip, bad ? plain : paint)
  for (const letter of strip.letters) used.add(letter)
  const marks = `${waited ? paint('bold', glyphs.critical) : ' '}${bad ? paint('red', glyphs.failed) : ' '}`
  const created = `+${formatDuration(maxOf(ZERO, since(pod.created.best, rollout.start.best)))}`
  const offset = columns.offset === 0 ? '' : padStart(created, columns.offset)
  const blank = ' '.repeat(Math.max(0, columns.strip - strip.width))
  const outcome = pod.outcome === 'ready' || pod.outcome === 'completed' ? '' : ` ${pod.outcome}`
  const length = padStart(formatDuration(lengthOf(pod, rollout)), LENGTH)
  return `${marks} ${padEnd(truncate(neutralise(pod.name, 80), columns.name), columns.name)} ${offset}  ${strip.text}${blank}${length}${outcome}`
}

const BAD: ReadonlySet<RolloutPod['outcome']> = new Set(['failed', 'timeout', 'unstable'])

function footer({ rollout, look, paint, glyphs }: Drawing): string[] {
  const { missing, traceId } = rollout
  const evidence = missing.length === 0 ? 'evidence complete' : `not seen: ${missing.join('; ')}`
  const lines = [`${glyphs.critical} the rollout waited for it`, `${evidence}; trace ${traceId}`]
  return lines.flatMap((line) => wrap(neutralise(line), look.width, 4)).map((line) => paint('dim', line))
}
