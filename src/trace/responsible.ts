// Owns whose the delay was: workload, platform, capacity or registry, by a rule over the critical path (docs/spans.md, "Whose delay it was").
// Promises that the four shares and what nobody is charged with sum to the root. Reads operations and their critical path, nothing else.

import { toMilliseconds, type DurationNano } from '../base/time.ts'
import type { Operation, OperationName } from '../operations/operation.ts'
import type { CriticalPath } from './critical-path.ts'
import { failedBefore } from './failed-before.ts'
import { PARTIES, type Party } from './party.ts'
import { isMesh } from './platform.ts'
import type { AttributeValue } from './trace.ts'
import { whoseUnplaced } from './unplaced.ts'

/** Where the root says how long each held it. */
const SHARE_KEYS: Readonly<Record<Party, string>> = {
  workload: 'podspan.responsible.workload_ms',
  platform: 'podspan.responsible.platform_ms',
  capacity: 'podspan.responsible.capacity_ms',
  registry: 'podspan.responsible.registry_ms',
}

type Rule = Party | ((operation: Operation, siblings: readonly Operation[]) => Party | undefined)

/** Whose each operation is; a record, so that the compiler names the one that is missing. Undefined: nobody's. */
const RULES: Readonly<Record<OperationName, Rule>> = {
  'pod startup': () => undefined,
  'wait at scheduling gate': ({ actor }) => (QUEUES.has(actor) ? 'capacity' : 'platform'),
  schedule: whoseScheduling,
  'provision node': 'capacity',
  'launch node': 'capacity',
  'register node': 'capacity',
  'initialise node': 'capacity',
  preempt: 'capacity',
  'wait in queue': 'capacity',
  'wait for quota': 'capacity',
  'admission checks': 'capacity',
  // Before the root, and so in no sum.
  'creation refused': 'capacity',
  'wait for claim': ({ actor }) => (actor.endsWith('-controller') ? 'platform' : 'workload'),
  'allocate devices': 'capacity',
  'prepare devices': 'platform',
  'provision volume': ({ attributes }) =>
    NO_CLAIM.test(String(attributes['podspan.reason'] ?? '')) ? 'workload' : 'platform',
  'prepare pod and create sandbox': whosePreparation,
  // A volume for one node that pods of several nodes ask for is how the workload is made.
  'attach volume': ({ error = '' }) => (error.includes('already used by pod') ? 'workload' : 'platform'),
  'mount volumes': whoseMount,
  'prepare pod': whosePreparation,
  'create sandbox': 'platform',
  'pull image': whosePull,
  // A kubelet that pulls one image after another is configured so.
  'wait for pull slot': 'platform',
  'transfer and unpack': 'registry',
  'create container': ({ error = '' }) => (isMissingInput(error) ? 'workload' : 'platform'),
  'start container': ({ error }) => (error === undefined ? 'platform' : 'workload'),
  'run init container': ({ container }) => (isMesh(container) ? 'platform' : 'workload'),
  'post-start hook': ({ container }) => (isMesh(container) ? 'platform' : 'workload'),
  'startup probe': ({ container }) => (isMesh(container) ? 'platform' : 'workload'),
  readiness: ({ container }) => (isMesh(container) ? 'platform' : 'workload'),
  'readiness gate': 'platform',
  'report status': 'platform',
  'back-off': whoseBackOff,
  unaccounted: () => undefined,
}

/** Gates of these wait for quota. */
const QUEUES: ReadonlySet<string> = new Set(['kueue.x-k8s.io'])

/** Whoever's the failure was that it backs off from. */
function whoseBackOff(backOff: Operation, siblings: readonly Operation[]): Party {
  const after = backOff.attributes['podspan.backoff.after']
  if (after === 'create container' || after === 'exit') return 'workload'
  if (after !== 'pull image') return 'platform'
  const failed = failedBefore(backOff, siblings)
  return failed ? whosePull(failed) : 'registry'
}

function whoseScheduling({ attributes: own, events }: Operation): Party | undefined {
  const taints = own['podspan.schedule.taints']
  return whoseUnplaced(
    events.map(({ attributes }) => String(attributes['podspan.reason'] ?? '')),
    Array.isArray(taints) ? taints.map(String) : [],
  )
}

const NO_CLAIM = /persistentvolumeclaim "[^"]*" not found/

/** A ConfigMap or Secret that is not there holds a pod in its volumes or its environment. */
const MISSING_INPUT = /(configmap|secret)s? "[^"]*" not found|couldn't find key|references non-existent/i
const isMissingInput = (text: string): boolean => MISSING_INPUT.test(text)

function whosePreparation({ events, attributes, error = '' }: Operation): Party {
  if (attributes['podspan.devices.insufficient'] !== undefined) return 'capacity'
  const reasons = events.map(({ attributes }) => String(attributes['podspan.reason'] ?? ''))
  return [error, ...reasons].some(isMissingInput) ? 'workload' : 'platform'
}

/** What failed to be mounted says why the whole took long; ownership is changed as the pod's `fsGroup` asks for. */
function whoseMount({ children, attributes, error = '' }: Operation): Party {
  if (attributes['podspan.volume.ownership_change'] === true) return 'workload'
  return [error, ...children.map((child) => child.error ?? '')].some(isMissingInput) ? 'workload' : 'platform'
}

/** An image that is not there was named wrongly, or should have been put on the node, and a kubelet may allow only so many pulls a second; every other failure is the registry's, or on the way to it. */
function whosePull({ error = '' }: Operation): Party {
  if (error.includes('pull QPS exceeded')) return 'platform'
  return /not found|manifest unknown|InvalidImageName|couldn't parse image|with pull policy of Never/.test(
    error,
  )
    ? 'workload'
    : 'registry'
}

/** Of the root: who held it longest, and for how long each did, on the critical path. */
export function responsibleAttributes(root: Operation, path: CriticalPath): Record<string, AttributeValue> {
  const sums = new Map<Party, bigint>()
  add(root, [], path, sums)
  const [first] = [...sums].sort(([, a], [, b]) => (a > b ? -1 : 1))
  if (!first) return {}
  const attributes: Record<string, AttributeValue> = { 'podspan.responsible': first[0] }
  for (const party of PARTIES) {
    const sum = sums.get(party)
    if (sum !== undefined) attributes[SHARE_KEYS[party]] = toMilliseconds(sum as DurationNano)
  }
  return attributes
}

function add(
  operation: Operation,
  siblings: readonly Operation[],
  path: CriticalPath,
  sums: Map<Party, bigint>,
): void {
  const rule = RULES[operation.name]
  const party = typeof rule === 'function' ? rule(operation, siblings) : rule
  let total = 0n
  for (const { from, to } of path.get(operation) ?? []) total += to - from
  if (party && total > 0n) sums.set(party, (sums.get(party) ?? 0n) + total)
  for (const child of operation.children) add(child, operation.children, path, sums)
}
