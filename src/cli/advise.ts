// Owns `podspan advise`: what would have made starts shorter, from the cluster now or from recordings.
// Promises figures of starts that ended, and says what it left out. Reads only.
// Does not compute (advise/) and does not draw (advice-text.ts, advice-json.ts).

import { createAdviser, STARTS_MAX, type WorkloadAdvice } from '../advise/advise.ts'
import type { PodRecord } from '../base/record.ts'
import type { DurationNano } from '../base/time.ts'
import type { Trace } from '../trace/trace.ts'
import { adviceJson } from './advice-json.ts'
import { adviceText } from './advice-text.ts'
import { type ClusterOptions, connect, type Target, valueOf } from './connect.ts'
import type { Context } from './context.ts'
import { CliError, EXIT, type ExitCode } from './exit.ts'
import { ansi, plain, toAscii } from './glyphs.ts'
import { jsonLine } from './json-line.ts'
import { startsOf } from './replay.ts'
import type { CreatePipeline } from './replay-options.ts'
import { findPods, kindOf, type Named, parseTarget, type Pods } from './target.ts'
import { collect } from './trace.ts'
import { list, neutralise, plural } from './text.ts'

export interface AdviseCommandOptions extends ClusterOptions {
  readonly from?: readonly string[]
  readonly output: 'text' | 'json'
  readonly minStarts?: number
  readonly minSaving?: DurationNano
}

export async function advise(
  context: Context,
  texts: readonly string[],
  options: AdviseCommandOptions,
  createPipeline: CreatePipeline,
): Promise<ExitCode> {
  const targets = texts.map(parseTarget)
  const adviser = createAdviser()
  const read = options.from ? fromRecordings : fromCluster
  const { interrupted } = await read(context, targets, options, createPipeline, adviser.add)
  if (interrupted) return EXIT.interrupted
  const { minStarts, minSaving } = options
  const workloads = adviser.advise({
    ...(minStarts !== undefined && { minStarts }),
    ...(minSaving !== undefined && { minSaving }),
  })
  if (adviser.left > 0)
    context.terminal.say(
      `podspan: only the first ${STARTS_MAX} starts were taken; ${adviser.left} more were left out.`,
    )
  if (workloads.length === 0) throw new CliError(EXIT.notFound, nothingFound(texts, options))
  await print(context, workloads, options)
  return EXIT.ok
}

function nothingFound(texts: readonly string[], { from, namespace }: AdviseCommandOptions): string {
  const what = texts.length === 0 ? 'No start' : `No start of ${list(texts.map((text) => neutralise(text)))}`
  const within = namespace === undefined ? '' : ` in namespace ${neutralise(namespace)}`
  const where = from === undefined ? 'the cluster' : list(from.map((file) => neutralise(file)))
  return `${what}${within} is in ${where} to learn from.`
}

async function print(
  { terminal }: Context,
  workloads: readonly WorkloadAdvice[],
  { output, minStarts }: AdviseCommandOptions,
): Promise<void> {
  if (output === 'json') {
    for (const each of workloads) await terminal.print(jsonLine(adviceJson(each)))
    return
  }
  const { ascii, colour, width } = terminal.look()
  const text = adviceText(workloads, { paint: colour ? ansi : plain, width, minStarts })
  await terminal.print(ascii ? toAscii(text) : text)
}

interface Done {
  readonly interrupted: boolean
}

type Take = (trace: Trace) => void

async function fromRecordings(
  context: Context,
  targets: readonly Named[],
  { from = [], namespace }: AdviseCommandOptions,
  createPipeline: CreatePipeline,
  take: Take,
): Promise<Done> {
  for (const file of from)
    for await (const trace of startsOf(context, file, {}, createPipeline))
      if (isMeant(trace, targets, namespace)) take(trace)
  return { interrupted: context.signal.aborted }
}

function isMeant(trace: Trace, targets: readonly Named[], namespace: string | undefined): boolean {
  if (namespace !== undefined && trace.namespace !== namespace) return false
  if (targets.length === 0) return true
  return targets.some(({ source, name }) =>
    source === 'pods'
      ? trace.name === name
      : trace.owners.some((owner) => owner.kind === kindOf(source) && owner.name === name),
  )
}

/** What the API server still holds of pods that are there; without a name all of the namespace. */
async function fromCluster(
  context: Context,
  targets: readonly Named[],
  options: AdviseCommandOptions,
  createPipeline: CreatePipeline,
  take: Take,
): Promise<Done> {
  const target = await connect(context, options)
  const namespace = options.namespace ?? target.connection.namespace ?? 'default'
  const found = await findAll(target, namespace, targets)
  if (found.pods.length === 0)
    throw new CliError(EXIT.notFound, `There are no pods in namespace ${namespace}; -n chooses another.`)
  context.terminal.say(
    `podspan: reading ${plural(found.pods.length, 'start')} of what the API server still holds; a recording holds more, and events of more than an hour ago.`,
  )
  const told = await collect(context, target, { ...options, follow: false, namespace }, found, createPipeline)
  await target.connection.close()
  told.traces.forEach(take)
  return told
}

async function findAll(target: Target, namespace: string, targets: readonly Named[]): Promise<Pods> {
  if (targets.length === 0) {
    const pods = valueOf(await target.api.listPods({ namespace }), target.connection)
    return { pods, scope: {} }
  }
  const found: Pods[] = []
  for (const each of targets) found.push(await findPods(target, namespace, each))
  const [only] = found
  if (only && found.length === 1) return only
  const pods = new Map<string, PodRecord>(
    found.flatMap(({ pods: some }) => some.map((pod) => [pod.uid, pod])),
  )
  return { pods: [...pods.values()], scope: {} }
}
