// Owns the doing of what was advised: a workload recorded as it is, changed, and recorded again, on a real cluster.
// Promises both recordings from pods in namespaces of their own, made by the command line alone, and nothing left behind.
// Does not say what is changed: experiments.ts does.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { AdviceKind } from '../../src/advise/advice.ts'
import { parseRfc3339 } from '../../src/base/time.ts'
import { podspan, startPodspan } from '../e2e/trace-support.ts'
import type { Api, KubeObject } from '../scenarios/api.ts'
import { eventually, newNamespace, removeNamespace } from '../scenarios/namespaces.ts'
import { clock, isReady } from '../scenarios/stage.ts'

export interface Place {
  readonly api: Api
  readonly kubeconfig: string
}

export interface Variant {
  /** Before the objects are made, such as emptying the node of images. */
  readonly prepare?: () => Promise<void>
  readonly restore?: () => Promise<void>
  readonly objects: (namespace: string, api: Api) => Promise<readonly KubeObject[]>
}

export interface Experiment {
  readonly name: string
  readonly kind: AdviceKind
  /** Of several that are advised of one kind, the one that was done. */
  readonly change?: RegExp
  readonly pods: number
  /** Names of the spans with which it begins to matter; what came before is taken from the first run for both. */
  readonly from: readonly string[]
  readonly before: Variant
  readonly after: Variant
}

export interface Saving {
  readonly percentile: number
  readonly ofMs: number
  readonly lowMs: number
  readonly likelyMs?: number
  readonly highMs: number
}

interface Advised {
  readonly timed: number
  readonly advice: readonly {
    readonly kind: AdviceKind
    readonly change: string
    readonly note?: string
    readonly savings: readonly Saving[]
  }[]
}

export interface Outcome {
  readonly change: string
  readonly note: string
  readonly starts: number
  readonly rows: readonly (Saving & { readonly afterMs: number; readonly wholeMs: number })[]
}

/** A busy machine of two cores makes a pod in some seconds. */
const READY_SECONDS = 150
const READY_SECONDS_EACH = 4

/** Recordings are kept in `keep`, where it is given. */
export async function doAndCompare(place: Place, experiment: Experiment, keep?: string): Promise<Outcome> {
  const directory = keep ?? (await mkdtemp(join(tmpdir(), 'podspan-advise-')))
  try {
    const recorded = async (which: 'before' | 'after'): Promise<string> => {
      const file = join(directory, `${experiment.name}-${which}.jsonl.gz`)
      await record(place, experiment, experiment[which], file)
      return file
    }
    const before = await recorded('before')
    const advice = await advised(place, before)
    const starts = { before: await told(place, before), after: await told(place, await recorded('after')) }
    return compare(experiment, advice, starts)
  } finally {
    if (keep === undefined) await rm(directory, { recursive: true })
  }
}

async function record(place: Place, { pods }: Experiment, variant: Variant, file: string): Promise<void> {
  const { api, kubeconfig } = place
  const namespace = await newNamespace(api, 'advise')
  await variant.prepare?.()
  const recorder = startPodspan(['record', file, '-n', namespace], kubeconfig)
  try {
    await eventually('it records', async () => /recording/.test(recorder.said()))
    await clock.sleep(2000)
    for (const object of await variant.objects(namespace, api))
      await api.create({ ...object, metadata: { ...object.metadata, namespace } })
    const ready = async (): Promise<boolean> =>
      (await listPods(api, namespace)).filter(isReady).length >= pods
    await eventually(`${pods} pods ready`, ready, READY_SECONDS + pods * READY_SECONDS_EACH)
    // What the kubelet says of a start comes up to a second after it.
    await clock.sleep(1000)
  } finally {
    await recorder.stop()
    await removeNamespace(api, namespace)
    await eventually('its pods are gone', async () => (await listPods(api, namespace)).length === 0, 300)
    await variant.restore?.()
  }
  const { code, stderr } = await recorder.ended
  if (code !== 0) throw new Error(`record ended with ${code}: ${stderr}`)
}

async function listPods(api: Api, namespace: string): Promise<readonly KubeObject[]> {
  const { status, body } = await api.send('GET', `/api/v1/namespaces/${namespace}/pods`)
  if (status !== 200) throw new Error(`pods of ${namespace}: ${status}`)
  return (JSON.parse(body) as { items: KubeObject[] }).items
}

async function advised({ kubeconfig }: Place, file: string): Promise<Advised> {
  const { code, stdout, stderr } = await podspan(
    ['advise', '--from', file, '--min-saving', '0s', '-o', 'json'],
    kubeconfig,
  )
  if (code !== 0) throw new Error(`advise ended with ${code}: ${stderr}`)
  return JSON.parse(stdout.split('\n')[0] ?? '') as Advised
}

interface Told {
  readonly name: string
  readonly startupMs: number
  readonly created: string
  readonly spans: readonly { readonly name: string; readonly start: { readonly time: string } }[]
}

async function told({ kubeconfig }: Place, file: string): Promise<readonly Told[]> {
  const { code, stdout, stderr } = await podspan(['replay', file, '-o', 'json'], kubeconfig)
  if (code !== 0) throw new Error(`replay ended with ${code}: ${stderr}`)
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Told)
}

function compare(
  { kind, change, name, from }: Experiment,
  before: Advised,
  starts: Readonly<Record<'before' | 'after', readonly Told[]>>,
): Outcome {
  const advice = before.advice.find((each) => each.kind === kind && (change?.test(each.change) ?? true))
  if (!advice) throw new Error(`${name}: nothing was advised of ${kind}: ${JSON.stringify(before.advice)}`)
  const whole = starts.after.map(({ startupMs }) => startupMs)
  const changed = starts.before.map((start) => {
    const other = starts.after.find((each) => each.name === start.name)
    if (!other) throw new Error(`${name}: ${start.name} was not started again`)
    return begunMs(start, from) + other.startupMs - begunMs(other, from)
  })
  const rows = advice.savings.map((saving) => ({
    ...saving,
    afterMs: quantile(changed, saving.percentile),
    wholeMs: quantile(whole, saving.percentile),
  }))
  return { change: advice.change, note: advice.note ?? '', starts: before.timed, rows }
}

/** How long after its creation a start came to what is changed. */
function begunMs({ spans, created, name }: Told, from: readonly string[]): number {
  const first = spans.find((span) => from.includes(span.name))
  if (!first) throw new Error(`${name} has no ${from.join(' or ')}`)
  return Number((parseRfc3339(first.start.time) ?? 0n) - (parseRfc3339(created) ?? 0n)) / 1e6
}

const quantile = (values: readonly number[], percentile: number): number =>
  values.toSorted((a, b) => a - b)[Math.ceil((values.length * percentile) / 100) - 1] ?? Number.NaN
