// Owns the TraceSession that a command line asks for.
// Promises that what the API server would refuse is refused here, with the option that said it, before anything is sent.
// Does not create it.

import { CREATORS_KEY } from '../base/trace-context.ts'
import { GROUP, KIND, parseTraceSession, type TraceSessionSpec, VERSION } from '../session/schema.ts'
import { CliError, EXIT } from './exit.ts'
import { parseSelector } from './session-selector.ts'
import { neutralise } from './text.ts'

export interface SessionWants {
  readonly target?: string
  readonly selector?: string
  readonly all?: true
  readonly objective?: readonly string[]
  readonly timeout?: string
  readonly startTimeout?: string
  readonly backfill?: string
  readonly minPods?: number
  readonly exporter?: string
  readonly name?: string
}

/** What is sent, to a namespace's path: the fields that were asked for, without the defaults of the others. */
export interface Manifest {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: {
    readonly name: string
    readonly labels: Readonly<Record<string, string>>
    readonly annotations?: Readonly<Record<string, string>>
  }
  readonly spec: object
}

export interface Asked {
  readonly manifest: Manifest
  /** With the defaults. */
  readonly spec: TraceSessionSpec
}

export const CREATED_BY = { 'podspan.dev/created-by': 'session-run' } as const

/** Long enough for somebody to look at it on the next day. */
const KEPT_SECONDS = 86_400
/** A rollout that began just before is taken too; a command's own rollout begins after. */
const BACKFILL = { 'with a command': '0s', alone: '1m' } as const

export function sessionFor(
  wants: SessionWants,
  how: keyof typeof BACKFILL,
  random: () => number,
  context?: string,
): Asked {
  const pods = podsOf(wants)
  const manifest: Manifest = {
    apiVersion: `${GROUP}/${VERSION}`,
    kind: KIND,
    metadata: {
      name: wants.name ?? uniqueName(pods.targetRef?.name ?? 'session', random),
      labels: CREATED_BY,
      ...(context !== undefined && { annotations: { [CREATORS_KEY]: context } }),
    },
    spec: {
      ...pods,
      completion: completionOf(wants),
      backfill: wants.backfill ?? BACKFILL[how],
      ...(wants.startTimeout !== undefined && { startTimeout: wants.startTimeout }),
      ...(wants.objective && { objectives: wants.objective.map(parseObjective) }),
      ...(wants.exporter !== undefined && { exporter: wants.exporter }),
      ttlSecondsAfterFinished: KEPT_SECONDS,
    },
  }
  return { manifest, spec: validated(manifest, wants) }
}

/** As the API server makes names from a generateName, so that the watch can wait for it before it is there. */
export function uniqueName(base: string, random: () => number): string {
  const letter = (): string => SAFE.charAt(Math.floor(random() * SAFE.length))
  return `${base.slice(0, 200)}-${Array.from({ length: 5 }, letter).join('')}`
}
const SAFE = 'bcdfghjklmnpqrstvwxz2456789'

type Pods = Pick<TraceSessionSpec, 'targetRef' | 'podSelector' | 'allPods'>

function podsOf({ target, selector, all }: SessionWants): Pods {
  const given = [target, selector, all].filter((each) => each !== undefined)
  if (given.length !== 1) throw usage('say which pods: exactly one of --target, --selector and --all')
  if (target !== undefined) return { targetRef: parseTargetRef(target) }
  if (selector === undefined) return { allPods: true }
  const podSelector = parseSelector(selector)
  if (podSelector === undefined)
    throw usage(
      `--selector ${neutralise(selector)}: expected a label selector as kubectl takes it, such as app=web,tier!=cache`,
    )
  return { podSelector }
}

const KINDS: readonly (readonly [apiVersion: string, kind: string, words: readonly string[]])[] = [
  ['v1', 'Pod', ['po', 'pod', 'pods']],
  ['apps/v1', 'Deployment', ['deploy', 'deployment', 'deployments']],
  ['apps/v1', 'ReplicaSet', ['rs', 'replicaset', 'replicasets']],
  ['apps/v1', 'StatefulSet', ['sts', 'statefulset', 'statefulsets']],
  ['apps/v1', 'DaemonSet', ['ds', 'daemonset', 'daemonsets']],
  ['batch/v1', 'Job', ['job', 'jobs']],
  ['batch/v1', 'CronJob', ['cj', 'cronjob', 'cronjobs']],
  ['argoproj.io/v1alpha1', 'Rollout', ['ro', 'rollout', 'rollouts']],
  ['leaderworkerset.x-k8s.io/v1', 'LeaderWorkerSet', ['lws', 'leaderworkerset', 'leaderworkersets']],
]

/** `deploy/checkout`, or any custom kind as `GROUP/VERSION/KIND/NAME`. */
export function parseTargetRef(text: string): NonNullable<Pods['targetRef']> {
  const parts = text.split('/')
  const name = parts.at(-1) ?? ''
  const [group = '', version = '', kind = ''] = parts
  if (parts.length === 4 && parts.every((part) => part !== ''))
    return { apiVersion: `${group}/${version}`, kind, name }
  const known = KINDS.find(([, , words]) => words.includes(group.toLowerCase()))
  if (parts.length !== 2 || name === '' || known === undefined)
    throw usage(
      `--target ${neutralise(text)}: expected deploy/, sts/, ds/, rs/, job/, cronjob/, pod/, rollout/ or lws/ before a NAME, or GROUP/VERSION/KIND/NAME`,
    )
  return { apiVersion: known[0], kind: known[1], name }
}

const OBJECTIVE = /^p(\d{1,3}(?:\.\d{1,3})?)(?:\(([^()]+)\))?=(\S+)$/

/** `p99=30s` or `p95(pull image)=10s`. */
export function parseObjective(text: string): NonNullable<TraceSessionSpec['objectives']>[number] {
  const [, percentile, operation, threshold] = OBJECTIVE.exec(text.trim()) ?? []
  if (percentile === undefined || threshold === undefined)
    throw usage(
      `--objective ${neutralise(text)}: expected p99=30s, or "p95(pull image)=10s" for one operation`,
    )
  const name = [`p${percentile}`, operation ?? ''].join(' ').trim()
  return {
    name: name
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, '-')
      .slice(0, 63),
    percentile: Number(percentile),
    threshold,
    // Whether there is such an operation is the schema's to say.
    ...(operation !== undefined && { operation: operation.trim() as Operation }),
  }
}
type Operation = NonNullable<NonNullable<TraceSessionSpec['objectives']>[number]['operation']>

function completionOf({ target, minPods, timeout }: SessionWants): object {
  if (target === undefined && minPods === undefined && timeout === undefined)
    throw usage(
      'without --target nothing says when all pods are there: give --min-pods (until so many have started), --timeout (for so long), or both',
    )
  const isCounted = minPods !== undefined && (target === undefined || /^c(ron)?j/i.test(target))
  return {
    ...(isCounted && { when: 'PodCount' }),
    ...(minPods !== undefined && { minPods }),
    ...(timeout !== undefined && { timeout }),
  }
}

function validated(manifest: Manifest, wants: SessionWants): TraceSessionSpec {
  const given = { namespace: 'any', uid: '', creationTimestamp: '' }
  const parsed = parseTraceSession({ ...manifest, metadata: { ...manifest.metadata, ...given } })
  if (parsed.kind === 'ok') return parsed.session.spec
  throw usage(parsed.problems.map((problem) => withOption(problem, wants)).join('; '))
}

const OPTIONS: Readonly<Record<string, string>> = {
  'spec.targetRef': '--target',
  'spec.podSelector': '--selector',
  'spec.completion.timeout': '--timeout',
  'spec.completion.minPods': '--min-pods',
  'spec.completion.when': '--target',
  'spec.startTimeout': '--start-timeout',
  'spec.backfill': '--backfill',
  'spec.exporter': '--exporter',
  'spec.objectives': '--objective',
}

/** The option that said it, in place of the field. */
function withOption(problem: string, { objective = [] }: SessionWants): string {
  const path = Object.keys(OPTIONS).find((field) => problem.startsWith(field))
  if (path === undefined) return problem
  const said = problem.slice(problem.indexOf(': ') + 2)
  const index = /^spec\.objectives\[(\d+)\]/.exec(problem)?.[1]
  const given = index === undefined ? '' : ` ${neutralise(objective[Number(index)] ?? '')}`
  return `${OPTIONS[path]}${given}: ${said}`
}

const usage = (sentence: string): CliError => new CliError(EXIT.usage, sentence)
