// Owns a reader of both exposition formats for the tests of metrics/, written from their specifications and not from prom-client.
// Promises to refuse what a scraper would: a sample without a type, a series that comes twice, buckets that fall, a missing `# EOF`.
// Does not read summaries, timestamps of samples or native histograms: Podspan has none.

import assert from 'node:assert/strict'

export interface ParsedExemplar {
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
  readonly timestamp: number
}

export interface ParsedSample {
  readonly family: string
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
  readonly exemplar?: ParsedExemplar
  /** Name and sorted labels: equal for the same series. */
  readonly series: string
}

export interface ParsedFamily {
  readonly name: string
  type?: string
  help?: string
  readonly samples: ParsedSample[]
}

export interface Parsed {
  readonly families: ReadonlyMap<string, ParsedFamily>
  readonly samples: readonly ParsedSample[]
  /** Of the one series with these labels (all of them); undefined where there is none. */
  value(name: string, labels?: Readonly<Record<string, string>>): number | undefined
  /** Of all series of the name whose labels include these. */
  sum(name: string, labels?: Readonly<Record<string, string>>): number
}

const NAME = /^[a-zA-Z_][a-zA-Z0-9_]*/
const NUMBER = /^(?:[+-]?(?:\d+\.?\d*(?:e[+-]?\d+)?)|[+-]Inf)$/
const SUFFIXES: Readonly<Record<string, readonly string[]>> = {
  counter: ['_total'],
  gauge: [''],
  histogram: ['_bucket', '_sum', '_count'],
}

export function parseExposition(body: string, format: 'openmetrics' | 'text'): Parsed {
  assert.ok(body.endsWith('\n'), 'the last line must end')
  const lines = body.slice(0, -1).split('\n')
  if (format === 'openmetrics') assert.equal(lines.pop(), '# EOF')
  const families = new Map<string, ParsedFamily>()
  let current: ParsedFamily | undefined
  for (const line of lines) {
    if (line === '' && format === 'text') continue
    const meta = /^# (HELP|TYPE) (\S+) (.+)$/.exec(line)
    if (meta) current = readMeta(meta, families, current)
    else current?.samples.push(readSample(line, current, format))
    assert.ok(current, `a sample before any family: ${line}`)
  }
  for (const family of families.values()) checkFamily(family)
  const samples = [...families.values()].flatMap((family) => family.samples)
  return { families, samples, ...finders(samples) }
}

function readMeta(
  [, what, name = '', text = '']: RegExpExecArray,
  families: Map<string, ParsedFamily>,
  current: ParsedFamily | undefined,
): ParsedFamily {
  const family = families.get(name) ?? { name, samples: [] }
  assert.ok(family === current || family.samples.length === 0, `${name} is not in one piece`)
  families.set(name, family)
  if (what === 'HELP') {
    assert.equal(family.help, undefined, `${name} has two helps`)
    family.help = text
  } else {
    assert.equal(family.type, undefined, `${name} has two types`)
    assert.ok(text in SUFFIXES, `${name} is a ${text}`)
    family.type = text
  }
  return family
}

function readSample(line: string, family: ParsedFamily, format: 'openmetrics' | 'text'): ParsedSample {
  const name = NAME.exec(line)?.[0] ?? assert.fail(`no name: ${line}`)
  const suffixes = SUFFIXES[family.type ?? ''] ?? assert.fail(`${family.name} has no type`)
  // In the text format a counter's family has the suffix of its sample.
  const stem =
    format === 'text' && family.type === 'counter' ? family.name.replace(/_total$/, '') : family.name
  assert.ok(
    suffixes.some((suffix) => name === stem + suffix),
    `${name} does not belong to ${family.name}`,
  )
  const { labels, rest } = readLabels(line.slice(name.length))
  const [value = '', ...behind] = rest.trim().split(' # ')
  assert.match(value, NUMBER, line)
  assert.ok(behind.length === 0 || format === 'openmetrics', `an exemplar in the text format: ${line}`)
  const exemplar = behind.length === 0 ? undefined : readExemplar(behind.join(' # '))
  assert.ok(exemplar === undefined || /_(bucket|total)$/.test(name), `an exemplar where none may be: ${line}`)
  const key = Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1))
  const series = `${name}${JSON.stringify(key)}`
  return {
    family: family.name,
    name,
    labels,
    value: Number(value.replace('Inf', 'Infinity')),
    series,
    ...(exemplar ? { exemplar } : {}),
  }
}

function readLabels(text: string): { labels: Record<string, string>; rest: string } {
  const labels: Record<string, string> = {}
  if (!text.startsWith('{')) return { labels, rest: text }
  let at = 1
  while (text[at] !== '}') {
    const name = NAME.exec(text.slice(at))?.[0] ?? assert.fail(`no label name: ${text}`)
    at += name.length
    assert.equal(text.slice(at, at + 2), '="', text)
    at += 2
    let value = ''
    for (; text[at] !== '"'; at++) {
      assert.ok(at < text.length, `a label without an end: ${text}`)
      if (text[at] === '\\') value += { n: '\n', '\\': '\\', '"': '"' }[text[++at] ?? ''] ?? assert.fail(text)
      else value += text[at]
    }
    assert.ok(!(name in labels), `the label ${name} twice: ${text}`)
    labels[name] = value
    at++
    if (text[at] === ',') at++
    else assert.equal(text[at], '}', text)
  }
  return { labels, rest: text.slice(at + 1) }
}

function readExemplar(text: string): ParsedExemplar {
  const { labels, rest } = readLabels(text)
  const [value, timestamp, ...more] = rest.trim().split(' ')
  assert.equal(more.length, 0, text)
  const length = Object.entries(labels).reduce((sum, [name, label]) => sum + [...name, ...label].length, 0)
  assert.ok(length <= 128, `an exemplar's labels have ${length} characters`)
  assert.match(value ?? '', NUMBER)
  assert.match(timestamp ?? '', NUMBER)
  return { labels, value: Number(value), timestamp: Number(timestamp) }
}

function checkFamily({ name, type, help, samples }: ParsedFamily): void {
  assert.ok(help && type, `${name} lacks a help or a type`)
  const seen = new Set<string>()
  for (const { series, value } of samples) {
    assert.ok(!seen.has(series), `${series} comes twice`)
    seen.add(series)
    assert.ok(type === 'gauge' || value >= 0, `${series} is ${value}`)
  }
  if (type === 'histogram') checkHistogram(samples)
}

function checkHistogram(samples: readonly ParsedSample[]): void {
  const groups = Map.groupBy(samples, ({ labels }) =>
    JSON.stringify(Object.entries(labels).filter(([label]) => label !== 'le')),
  )
  for (const [labels, group] of groups) {
    const buckets = group.filter(({ name }) => name.endsWith('_bucket'))
    const bounds = buckets.map(({ labels: { le = '' } }) => Number(le.replace('Inf', 'Infinity')))
    assert.deepEqual(
      bounds,
      [...bounds].sort((a, b) => a - b),
      labels,
    )
    assert.equal(bounds.at(-1), Number.POSITIVE_INFINITY, labels)
    const counts = buckets.map(({ value }) => value)
    assert.ok(
      counts.every((count, index) => count >= (counts[index - 1] ?? 0)),
      `buckets fall: ${labels}`,
    )
    assert.equal(group.find(({ name }) => name.endsWith('_count'))?.value, counts.at(-1), labels)
    assert.ok(
      group.some(({ name }) => name.endsWith('_sum')),
      labels,
    )
    for (const [index, { exemplar }] of buckets.entries()) {
      if (!exemplar) continue
      assert.ok(exemplar.value <= (bounds[index] as number), `an exemplar above its bucket: ${labels}`)
      assert.ok(exemplar.value > (bounds[index - 1] ?? -1), `an exemplar below its bucket: ${labels}`)
    }
  }
}

function finders(samples: readonly ParsedSample[]): Pick<Parsed, 'value' | 'sum'> {
  const matching = (name: string, labels: Readonly<Record<string, string>>) =>
    samples.filter(
      (sample) =>
        sample.name === name &&
        Object.entries(labels).every(([label, value]) => sample.labels[label] === value),
    )
  return {
    value(name, labels = {}) {
      const found = matching(name, labels)
      assert.ok(found.length <= 1, `${name}${JSON.stringify(labels)} is ${found.length} series`)
      return found[0]?.value
    },
    sum: (name, labels = {}) => matching(name, labels).reduce((sum, { value }) => sum + value, 0),
  }
}
