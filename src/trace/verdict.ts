// Owns the one sentence that says why a pod took as long as it did.
// Promises plain words and figures that the spans show too. Reads operations and their critical path, nothing else.

import type { DurationNano } from '../base/time.ts'
import { durationNano, SECOND, seconds, ZERO } from '../base/time.ts'
import type { Facts } from '../operations/milestones.ts'
import { NODE_NOT_READY } from '../operations/node-trouble.ts'
import { durationOf, type Operation, type OperationName } from '../operations/operation.ts'
import { lastTrouble } from '../operations/sandbox.ts'
import { lastSchedulingFailure, unscheduled } from '../operations/scheduling.ts'
import { lastSaidOfPod } from '../operations/volumes.ts'
import type { Startup } from '../operations/startup.ts'
import { brief, clip } from './brief.ts'
import type { CriticalPath } from './critical-path.ts'
import { durationText } from './duration-text.ts'
import { endedWords } from './ended.ts'
import { failedBefore, pullFailedBefore, saidBefore } from './failed-before.ts'
import { longestOf, mainPart, NAMED, type Sum } from './shares.ts'
import type { Outcome } from './trace.ts'

export function tellVerdict(
  startup: Startup,
  outcome: Outcome,
  path: CriticalPath,
  total: DurationNano,
  crashed?: string,
): string {
  const longest = longestOf(startup.root, path)
  const but = crashed && outcome === 'unstable' ? `, but ${crashed}` : ''
  const head = `${opening(startup, outcome, total)}${but}${ending(startup, outcome)}`
  if (!longest || total <= ZERO) return head
  const { operation, total: share } = mainPart(longest, path)
  const percent = Math.round((Number(share) * 100) / Number(total))
  const what = `${several(longest)}${sayOnce(describe(operation, startup), head)}`
  const text = `${head}; ${durationText(share)} (${percent} %) ${what}`
  return `${text}${queue(startup, longest.operation)}`
}

const SEVERAL: Partial<Record<OperationName, string>> = {
  'pull image': 'pulling # images',
  'provision volume': 'waiting for # volumes',
  'attach volume': 'attaching # volumes',
  'create container': 'creating # containers',
  'start container': 'starting # containers',
  'run init container': 'running # init containers',
  'post-start hook': 'in # post-start hooks',
  'startup probe': 'waiting for # startup probes',
  readiness: 'waiting for # containers to be ready',
}

/** `pulling 3 images, 5.02 s of it `, before what that was. */
function several({ operation: { name }, count, ofMain }: Sum): string {
  const words = SEVERAL[name]
  return words === undefined || count < 2
    ? ''
    : `${words.replace('#', String(count))}, ${durationText(ofMain)} of it `
}

/** A reason that was quoted already need not be again. */
function sayOnce(text: string, before: string): string {
  const from = before.includes(' (') ? text.indexOf(' (') : -1
  return from >= 0 && before.includes(text.slice(from)) ? text.slice(0, from) : text
}

/** As long as a start is waited for by default: one whose end is less sure than that has hardly taken so long. */
const UNSURE = seconds(600)

/** A list shows when Ready last turned, which may not be when it first did. */
function lengthOf({ root: { end }, isReadyAgain }: Startup, total: DurationNano): string {
  const text = durationText(total)
  if (isReadyAgain) return `at least ${text}`
  return end.best - end.earliest > UNSURE ? `at most ${text}` : text
}

/** Only a list told of it, which did not show the pod any more: nobody knows what it had come to meanwhile. */
const wentUnseen = ({ root }: Startup, outcome: Outcome): boolean =>
  outcome === 'deleted' && root.end.source === 'list-receipt'

function opening(startup: Startup, outcome: Outcome, total: DurationNano): string {
  const time = lengthOf(startup, total)
  if (wentUnseen(startup, outcome)) return `Gone after at most ${durationText(total)}, not seen ready`
  switch (outcome) {
    case 'ready':
    case 'unstable':
      return `Ready after ${time}`
    case 'completed':
      return `Completed after ${time}`
    case 'failed':
      return `Failed after ${time}`
    case 'deleted':
      return `Deleted after ${time}, never ready`
    case 'timeout':
      return `Not ready after ${time}`
    case 'starting':
      return `Starting for ${time}`
  }
}

/** Why it ended, and what it was waiting for. */
function ending(startup: Startup, outcome: Outcome): string {
  if (outcome === 'ready' || outcome === 'unstable' || outcome === 'completed') return ''
  const ended = endedWords(startup, outcome)
  if (outcome === 'failed') return ended
  const waiting = deepestOpen(startup.root)
  const goesOn = outcome === 'starting' ? 'now' : wentUnseen(startup, outcome) ? 'last seen' : 'still'
  return waiting ? `${ended}, ${goesOn} ${describe(waiting, startup)}` : ended
}

/** The operation that was still going on at the end: of several the one that began last. */
export function deepestOpen(root: Operation): Operation | undefined {
  const open = root.children.filter(({ open: going }) => going)
  const last = open.reduce<Operation | undefined>(
    (a, b) => (a && a.start.best >= b.start.best ? a : b),
    undefined,
  )
  return last && (last.children.findLast(({ open: going }) => going) ?? last)
}

/** What of a startup says why an operation goes on. */
type Told = Pick<Startup, 'facts' | 'root'>

/** Of these the scheduler speaks, whose reasons come first. */
const SCHEDULED: ReadonlySet<OperationName> = new Set(['schedule', 'allocate devices', 'preempt'])

/** What the component itself said of why this operation goes on or failed. */
export function reasonOf(operation: Operation, told: Told): string | undefined {
  const { name } = operation
  const said = SCHEDULED.has(name) ? clip(lastSchedulingFailure(told.facts)) : brief(errorOf(operation, told))
  return said === '' ? undefined : said
}

function errorOf(operation: Operation, told: Told): string | undefined {
  const { error, name } = operation
  if (NAMED.has(name)) return volumeReason(operation, told.facts)
  if (name === 'back-off') return saidBefore(operation, told)
  if (name.startsWith('prepare pod') || name === 'create sandbox') return troubleOf(operation, told.facts)
  return error ?? saidIn(operation) ?? lastOfProbe(operation)
}

/** In the kubelet's own words; else what was said of its node. */
const troubleOf = (operation: Operation, facts: Facts): string | undefined =>
  lastTrouble(facts)?.detail?.message ?? saidOfNode(operation)

function saidOfNode({ events }: Operation): string | undefined {
  const said = events.findLast(({ name }) => name === NODE_NOT_READY)
  return said && String(said.attributes['podspan.reason'])
}

/** What a probe said last: of one that goes on it is why, of one that has passed it is over. */
function lastOfProbe({ end, events, open }: Operation): string | undefined {
  const said = open ? events.findLast(({ at, name }) => name === 'Unhealthy' && at <= end.best) : undefined
  return said && String(said.attributes['podspan.reason'])
}

/** What an operation is, as the end of a sentence: `pulling localhost:5000/big:2`. */
export function describe(operation: Operation, told: Told): string {
  const { facts } = told
  const { name, subject = '', container = '', error } = operation
  switch (name) {
    case 'pull image':
    case 'transfer and unpack':
    case 'wait for pull slot':
      return `pulling ${subject || container}${error ? ` (failed: ${brief(error)})` : again(pullFailedBefore(operation, facts.pod))}`
    case 'schedule':
      return describeScheduling(operation, facts)
    case 'provision node':
    case 'launch node':
    case 'register node':
    case 'initialise node':
      return `waiting for a new node (${describeProvision(operation)})`
    case 'wait in queue':
    case 'wait for quota':
    case 'admission checks':
      return `waiting in queue ${subject} of Kueue${because(lastPending(operation))}`
    case 'creation refused':
      return `being refused (${clip(saidIn(operation))})`
    case 'wait for claim':
      return `waiting for ResourceClaim ${subject} to be made`
    case 'allocate devices':
      return `waiting for the devices of ResourceClaim ${subject}${because(lastSchedulingFailure(facts))}`
    case 'prepare devices':
      return `waiting for devices to be prepared${owingTo(saidIn(operation))}`
    case 'preempt':
      return describePreemption(operation)
    case 'wait at scheduling gate':
      return `waiting at scheduling gate ${subject}`
    case 'provision volume':
    case 'attach volume':
    case 'mount volumes':
      return describeVolume(operation, facts)
    case 'prepare pod and create sandbox':
    case 'prepare pod':
    case 'create sandbox':
      return `preparing the pod and its sandbox${owingTo(troubleOf(operation, facts))}`
    case 'create container':
      return `creating container ${container}${owingTo(error)}`
    case 'start container':
      return `starting container ${container}${owingTo(error)}`
    case 'run init container':
      return `running init container ${container}${owingTo(error)}`
    case 'post-start hook':
      return `in the post-start hook of ${container}${owingTo(error)}`
    case 'startup probe':
      return `waiting for the startup probe of ${container}${owingTo(error ?? lastOfProbe(operation))}`
    case 'readiness':
      return `waiting for ${container} to be ready${owingTo(error ?? lastOfProbe(operation))}`
    case 'readiness gate':
      return `waiting for readiness gate ${subject}`
    case 'report status':
      return `until the kubelet had reported ${subject || 'Ready'}`
    case 'back-off':
      return describeBackOff(
        operation,
        saidBefore(operation, told),
        failedBefore(operation, told.root.children),
      )
    case 'unaccounted':
      return `unaccounted for between ${subject.replace(' → ', ' and ')}${owingTo(saidOfNode(operation))}`
    case 'pod startup':
      return 'starting'
  }
}

/** A scheduler that has not looked at a pod says nothing, neither by event nor by the pod's condition: it is not there, or busy. */
function describeScheduling(operation: Operation, facts: Facts): string {
  const by = operation.actor === 'kube-scheduler' ? '' : ` by ${operation.actor}`
  return `waiting to be scheduled${by}${because(lastSchedulingFailure(facts) ?? silenceOf(operation, facts))}`
}

function silenceOf(operation: Operation, facts: Facts): string | undefined {
  const { actor, end, open } = operation
  if (open) return unscheduled(facts) ? undefined : `${actor} has not tried yet`
  // Where its word of success has come, so would others have.
  const isHeard = end.stamps.some(({ source }) => source === 'event-name' || source === 'event-time')
  return isHeard && durationOf(operation) >= SECOND ? 'no failed attempt was reported' : undefined
}

const PROVISION_GOES_ON: Partial<Record<OperationName, string>> = {
  'launch node': 'being launched',
  'register node': 'launched but not registered',
  'initialise node': 'registered but not ready',
}

/** `karpenter: default-x7k2p, 41.2 s of it until it had registered`; while it goes on, how far it has come. */
function describeProvision(operation: Operation): string {
  const { actor, subject, error, children } = operation
  const who = subject === undefined ? actor : `${actor}: ${subject}`
  if (error !== undefined) return `${who} failed: ${clip(error)}`
  const open = children.find(({ open: going }) => going)
  if (open) {
    const why = open.events.findLast(({ attributes }) => attributes['podspan.reason'])
    return `${who}, ${PROVISION_GOES_ON[open.name]}${because(why && String(why.attributes['podspan.reason']))}`
  }
  const main = children.find((child) => durationOf(child) * 2n > durationOf(operation))
  const until = main && PROVISION_UNTIL[main.name]
  return until ? `${who}, ${durationText(durationOf(main))} of it ${until}` : who
}

const PROVISION_UNTIL: Partial<Record<OperationName, string>> = {
  'launch node': 'until it was launched',
  'register node': 'until it had registered',
  'initialise node': 'until it was ready for pods',
}

const lastPending = ({ events }: Operation): string | undefined => {
  const said = events.findLast(({ name }) => name === 'Pending')?.attributes['podspan.reason']
  return said === undefined ? undefined : String(said)
}

/** `waiting for 2 preempted pods to leave node-1 (shop/cheap-x2, shop/cheap-z4)`. */
function describePreemption({ subject = '', attributes }: Operation): string {
  const count = attributes['podspan.preempt.victims']
  const names = attributes['podspan.preempt.victim']
  const who =
    count === undefined
      ? 'preempted pods'
      : count === 1
        ? 'a preempted pod'
        : `${String(count)} preempted pods`
  return `waiting for ${who} to leave ${subject}${because(Array.isArray(names) ? names.join(', ') : undefined)}`
}

function describeVolume(operation: Operation, facts: Facts): string {
  const { name, subject = '', actor } = operation
  const why = owingTo(volumeReason(operation, facts))
  if (name === 'mount volumes') return `mounting volumes${why}`
  if (name === 'attach volume') return `attaching volume ${subject}${why || ` (${actor})`}`
  return `waiting for volume ${subject}${why || ` (provisioner ${actor})`}`
}

/** What the kubelet says of a whole pod lists its volumes three times before it says why. */
const VOLUME_LISTS = /^Unable to attach or mount volumes: .*?failed to process volumes=\[[^\]]*\]: /

/** A later attempt goes on for the reason for which the one before it failed. */
function volumeReason(operation: Operation, facts: Facts): string | undefined {
  const { name, attributes, children } = operation
  const error = operation.error ?? children.findLast((child) => child.error !== undefined)?.error
  const said = error ?? attributes['podspan.reason']
  if (typeof said === 'string') return said.replace(VOLUME_LISTS, '')
  if (name === 'mount volumes') return lastSaidOfPod(facts, 'FailedMount')
  return name === 'attach volume' ? lastSaidOfPod(facts, 'FailedAttachVolume') : undefined
}

function describeBackOff(
  { attributes, container, subject }: Operation,
  error: string | undefined,
  failed: Operation | undefined,
): string {
  const after = attributes['podspan.backoff.after']
  if (after === 'pull image') return `backing off after failed pulls of ${subject}${owingTo(error)}`
  if (after === 'create container')
    return `backing off because container ${container} could not be created${owingTo(error)}`
  if (!container) return `backing off before the next sandbox${owingTo(error)}`
  // The code is then the runtime's own: nothing ran that could have exited.
  if (failed?.name === 'post-start hook')
    return `backing off after the post-start hook of ${container} failed`
  if (failed?.name === 'start container')
    return `backing off because container ${container} could not be started${owingTo(error)}`
  const [, probe] = BY_PROBE.exec(failed?.error ?? '') ?? []
  if (failed && probe !== undefined)
    return `backing off after the ${probe} probe of ${container} failed${owingTo(saidBy(failed, probe))}`
  const code = attributes['podspan.exit_code']
  const said = code === undefined ? '' : ` with code ${String(code)}`
  return `backing off after ${container} exited${said}${owingTo(code === 0 ? undefined : beyondCode(error))}`
}

/** The code is then of the kubelet's signal. */
const BY_PROBE = / after its (\w+) probe failed$/

function saidBy({ events }: Operation, probe: string): string | undefined {
  const of = (reason: unknown): boolean => String(reason).toLowerCase().startsWith(`${probe} probe`)
  const said = events.findLast(
    ({ attributes, name }) => name === 'Unhealthy' && of(attributes['podspan.reason']),
  )
  return said && String(said.attributes['podspan.reason'])
}

/** What an error says that the exit code does not: `OOMKilled` of `exit code 137 (OOMKilled)`. */
const beyondCode = (error: string | undefined): string | undefined =>
  error?.replace(/^exit code \d+( \((.*)\))?$/, '$2')

function queue(startup: Startup, operation: Operation): string {
  if (operation.name !== 'pull image') return ''
  const wait = operation.children.find(({ name }) => name === 'wait for pull slot')
  const behind = operation.attributes['podspan.pull.queued_behind']
  if (!wait || behind === undefined) return ''
  const waited = durationText(durationNano(wait.end.best - wait.start.best))
  const pulls = behind === 1 ? 'another pull' : `${String(behind)} other pulls`
  const node = startup.facts.pod.nodeName
  return `, ${waited} of it waiting behind ${pulls}${node ? ` on ${node}` : ''}`
}

const saidIn = ({ attributes }: Operation): string | undefined => {
  const said = attributes['podspan.reason']
  return typeof said === 'string' ? said : undefined
}

const because = (reason: string | undefined): string => (reason ? ` (${clip(reason)})` : '')
const again = (error: string | undefined): string => (error ? ` (failed before: ${brief(error)})` : '')
const owingTo = (error: string | undefined): string => (error ? ` (${brief(error)})` : '')
