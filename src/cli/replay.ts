// Owns `podspan replay`: recordings in, the starts they hold out.
// Promises that equal files give equal output, and that stdout holds results only.
// Does not read files (recording/) and does not find operations (trace/pipeline.ts).

import { RecordingError, readRecording } from '../recording/read.ts'
import { rootOf, type Trace } from '../trace/trace.ts'
import type { Context } from './context.ts'
import { CliError, EXIT, type ExitCode } from './exit.ts'
import { type Formatter, formatterOf } from './output.ts'
import { type CreatePipeline, isNamed, isWanted, type PodName, type ReplayOptions } from './replay-options.ts'
import { openSender, type Sender } from './send.ts'
import { Summary } from './summary.ts'
import { neutralise, plural } from './text.ts'

export async function replay(
  context: Context,
  files: readonly string[],
  options: ReplayOptions,
  createPipeline: CreatePipeline,
): Promise<ExitCode> {
  const { ui, output, summary } = options
  if (summary && output !== 'waterfall')
    throw new CliError(
      EXIT.usage,
      `--summary prints a table for people; leave it out for --output ${output}.`,
    )
  if (ui !== undefined) {
    const { replayPage } = await import('./replay-page.ts')
    return replayPage(context, files, { ...options, ui }, createPipeline)
  }
  const sender = await openSender(context, options.otlpEndpoint ?? [])
  const report = new Report(context, options, await formatterOf(options.output, context.terminal), sender)
  let arrived = false
  try {
    for (const file of files)
      for await (const trace of startsOf(context, file, options, createPipeline)) await report.take(trace)
  } finally {
    arrived = await sender.finish()
  }
  const code = await report.finish(files)
  return code === EXIT.ok && !arrived ? EXIT.inconclusive : code
}

/** The starts of one recording. */
export async function* startsOf(
  { terminal, stdin, signal }: Context,
  file: string,
  { settle, startTimeout, pod }: Pick<ReplayOptions, 'settle' | 'startTimeout' | 'pod'>,
  createPipeline: CreatePipeline,
): AsyncGenerator<Trace> {
  const onProblem = (sentence: string): void => terminal.say(`podspan: ${neutralise(sentence)}`)
  const { header, frames } = await readRecording(file, { stdin, onProblem }).catch(asInputError)
  const pipeline = createPipeline({
    // Who names a pod wants it also where it was ready before the recording began.
    ...(pod !== undefined && { backfill: (each: PodName) => isNamed(each, pod) }),
    ...(header.cluster !== undefined && { clusterName: header.cluster }),
    ...(header.clusterUid !== undefined && { clusterUid: header.clusterUid }),
    ...(settle !== undefined && { settle }),
    ...(startTimeout !== undefined && { startTimeout }),
  })
  for await (const frame of frames) {
    if (signal.aborted) return
    yield* pipeline.push(frame)
  }
}

function asInputError(error: unknown): never {
  if (error instanceof RecordingError) throw new CliError(EXIT.input, error.message)
  throw error
}

/** Prints and sends starts as they come, or holds the slowest until the end; the summary is over all that were asked for. */
class Report {
  readonly #context: Context
  readonly #options: ReplayOptions
  readonly #format: Formatter
  readonly #sender: Sender
  readonly #summary = new Summary()
  #seen = 0
  #slowest: Trace[] = []

  constructor(context: Context, options: ReplayOptions, format: Formatter, sender: Sender) {
    this.#context = context
    this.#options = options
    this.#format = format
    this.#sender = sender
  }

  async take(trace: Trace): Promise<void> {
    this.#seen++
    if (!isWanted(trace, this.#options)) return
    this.#summary.add(trace)
    await this.#sender.send(trace)
    const { slowest, summary } = this.#options
    if (summary) return
    if (slowest === undefined) return this.#context.terminal.print(this.#format(trace))
    this.#slowest = [...this.#slowest, trace].sort(slowestFirst).slice(0, slowest)
  }

  async finish(files: readonly string[]): Promise<ExitCode> {
    const { terminal, signal } = this.#context
    if (signal.aborted) return terminal.open ? EXIT.interrupted : EXIT.ok
    for (const trace of this.#slowest) await terminal.print(this.#format(trace))
    if (this.#summary.total === 0) return this.#nothing(files)
    if (this.#options.output === 'waterfall') await this.#printSummary()
    return EXIT.ok
  }

  #nothing(files: readonly string[]): ExitCode {
    const { pod } = this.#options
    const where = files.length === 1 ? nameOf(files[0] ?? '-') : plural(files.length, 'file')
    if (this.#seen > 0 && pod !== undefined) {
      throw new CliError(
        EXIT.notFound,
        `No start of pod ${neutralise(pod)} is in ${where}, which holds ${plural(this.#seen, 'start')}; leave out --pod to see them.`,
      )
    }
    const what =
      this.#seen === 0 ? 'No pod starts in' : `None of ${plural(this.#seen, 'start')} is as asked for in`
    this.#context.terminal.say(`podspan: ${what} ${where}.`)
    return EXIT.ok
  }

  async #printSummary(): Promise<void> {
    const { terminal } = this.#context
    await terminal.print(this.#summary.text(terminal.look()))
  }
}

const nameOf = (file: string): string => (file === '-' ? 'standard input' : neutralise(file))

function slowestFirst(a: Trace, b: Trace): number {
  if (a.startup !== b.startup) return a.startup > b.startup ? -1 : 1
  return rootOf(a).start.best < rootOf(b).start.best ? -1 : 1
}
