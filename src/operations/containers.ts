// Owns `create container`, `start container`, `run init container`, `post-start hook`, and the back-off between runs.
// Promises siblings, numbered, for every attempt; and that containers of one sync follow each other in the order of the spec,
// as the kubelet starts them (kuberuntime_manager.go, SyncPod).

import { type Draft, unseen } from '../timeline/combine.ts'
import { isRefuted } from '../timeline/order.ts'
import { type ContainerContext, mayBoundReady } from './container-context.ts'
import type { ContainerHistory } from './container-history.ts'
import { exitMessage, type FailedCreate, type Run, runsInOrder } from './runs.ts'
import { NEVER_STARTED } from './occurrences.ts'
import { comesBefore, isObserved, type Plan, type Planned } from './plan.ts'
import { killsOf } from './probe-kills.ts'
import { planProbes } from './probes.ts'
import { firstSign, planPulls, pullerOf } from './pulls.ts'

/** Attempts of one kind that become spans; a pod that crash-loops for hours has hundreds, which are counted instead. */
const ATTEMPTS_MAX = 30

export type Role = 'init' | 'sidecar' | 'app'

/** Plans one container's operations after what came `earlier`; returns the boundary that the next container waits for. */
export function planContainer(
  plan: Plan,
  context: ContainerContext,
  history: ContainerHistory,
  role: Role,
  earlier: Draft | undefined,
  next: ContainerHistory | undefined,
): Draft | undefined {
  const runs = runsInOrder(history.runs)
  const first = firstSign(history)
  // The container before met trouble that nobody saw, and had its turn when this one had.
  const prev = earlier && first && isRefuted([earlier, first]) ? undefined : earlier
  comesBefore(plan, prev, first)
  planPulls(plan, context.uid, pullerOf(history), context.node, prev)
  // A later run was not the only one, also where nothing else is known of those before it.
  const attempts = (runs.at(-1)?.[0] ?? -1) + 1 + (history.failedCreates.at(-1)?.number ?? 0)
  let from = planFailedCreates(plan, history, runs, 0, prev)?.end ?? prev
  runs.slice(0, ATTEMPTS_MAX).forEach(([number, run], place) => {
    const later = runs[place + 1]
    endBeforeNext(plan, run, later?.[1])
    beginBeforeEnd(run)
    const attempt = attempts > 1 ? failuresBefore(history, number) + number + 1 : undefined
    planRun(plan, history, number, run, from, attempt)
    planAfterStart(plan, context, history, role, number, run, attempt, place === 0 ? next : undefined)
    comesBefore(plan, run.started ?? run.failed?.at, run.finished)
    const end = run.finished ?? run.started ?? run.failed?.at
    const failed = planFailedCreates(plan, history, runs, place + 1, end)
    if (run.finished ?? run.failed)
      planRestart(plan, context, history, role, number, run, later, failed?.begin)
    from = failed?.end ?? end
  })
  return blocksNext(history, role, runs)
}

/** How many attempts before this run gave none. */
const failuresBefore = ({ failedCreates }: ContainerHistory, run: number): number =>
  failedCreates.findLast(({ beforeRun }) => beforeRun <= run)?.number ?? 0

/** A run that was followed by another has ended, whether or not anything said so. */
function endBeforeNext(plan: Plan, run: Run, next: Run | undefined): void {
  if (!next || run.failed) return
  run.finished ??= unseen()
  comesBefore(plan, run.started ?? run.created, run.finished)
  comesBefore(plan, run.finished, signOf(next))
}

/** A run whose end was seen has begun, or could not be started, whether or not an event said so; soon after it was created, as far as is known. */
function beginBeforeEnd(run: Run): void {
  if (run.started || run.failed || !run.finished) return
  if (!NEVER_STARTED.has(run.exitReason ?? '')) run.started = { ...unseen(), best: run.created?.best }
  else run.failed = { at: run.finished, message: run.exitMessage ?? run.exitReason ?? 'could not be started' }
}

const signOf = ({ asked, image, created, started, failed, finished }: Run): Draft | undefined =>
  [asked].find(isObserved) ?? image ?? created ?? started ?? failed?.at ?? finished

/** Where the next container's turn begins: only a container that met no trouble is surely done before it. */
function blocksNext(
  history: ContainerHistory,
  role: Role,
  runs: readonly [number, Run][],
): Draft | undefined {
  if (role === 'init') return runs.at(-1)?.[1].finished
  const run = history.runs.get(0)
  return beganLate(history) || couldNotStart(history) || run?.failed ? undefined : run?.started
}

/** Whether its first run came when the others had had their turn. */
const beganLate = ({ failedCreates, pulls, waiting }: ContainerHistory): boolean =>
  failedCreates.some(({ beforeRun }) => beforeRun === 0) ||
  pulls.some(({ failed }) => failed !== undefined) ||
  waiting.some(({ detail }) => NEVER_CREATED.test(detail?.reason ?? ''))
const NEVER_CREATED = /^(ErrImage|Image|InvalidImageName|RegistryUnavailable|Create)/

const couldNotStart = ({ waiting }: ContainerHistory): boolean =>
  waiting.some(({ detail }) => detail?.reason === 'RunContainerError')

/** Those that came between two runs, or before the first of them or after the last; returns where they begin and end. */
function planFailedCreates(
  plan: Plan,
  history: ContainerHistory,
  runs: readonly [number, Run][],
  place: number,
  after: Draft | undefined,
): { readonly begin: Draft; readonly end: Draft } | undefined {
  const [earlier, next] = [runs[place - 1]?.[0] ?? -1, runs[place]]
  const { spec } = history
  const shown = history.failedCreates
    .slice(0, ATTEMPTS_MAX)
    .filter(({ beforeRun }) => beforeRun > earlier && (next === undefined || beforeRun <= next[0]))
  const begins = shown.map(({ image }) => image ?? unseen())
  shown.forEach((failure, index) => {
    const from = begins[index] ?? unseen()
    const attempt = failure.number + failure.beforeRun
    comesBefore(plan, shown[index - 1]?.at ?? after, from)
    comesBefore(plan, from, failure.at)
    plan.planned.push(failedCreate(spec.name, failure, from, attempt))
    const later = shown[index + 1]
    const until = afterFailure(plan, later, later?.asked ?? begins[index + 1], failure, next)
    comesBefore(plan, failure.at, until)
    plan.planned.push({
      name: 'back-off',
      path: `${spec.name}/back-off/create/${failure.number}`,
      actor: 'kubelet',
      subject: spec.name,
      container: spec.name,
      start: failure.at,
      end: until,
      attributes: { 'podspan.backoff.after': 'create container' },
    })
  })
  const [begin, last] = [shown[0]?.asked ?? begins[0], shown.at(-1)]
  return begin && last && { begin, end: last.at }
}

/** The back-off after a failure ends with the next attempt; where some between were not seen, before the next that was. */
function afterFailure(
  plan: Plan,
  later: FailedCreate | undefined,
  begin: Draft | undefined,
  { number, beforeRun, isFromStatus = false }: FailedCreate,
  next: readonly [number, Run] | undefined,
): Draft | undefined {
  const until = begin ?? (next && beginOf(plan, next[1]))
  const isNext = later ? later.number === number + 1 : next?.[0] === beforeRun
  if (!isObserved(until) || (isNext && !isFromStatus)) return until
  const unknown = unseen()
  comesBefore(plan, unknown, until)
  return unknown
}

/** Where a run's own work began: with its image, when that was asked for, or some time before the first thing that is known of it. */
function beginOf(plan: Plan, run: Run): Draft {
  const began = run.asked ?? run.image
  if (began) return began
  const begin = unseen()
  comesBefore(plan, begin, signOf(run))
  return begin
}

const failedCreate = (container: string, failure: FailedCreate, from: Draft, attempt: number): Planned => ({
  name: 'create container',
  path: `${container}/create container/failed/${failure.number}`,
  actor: 'kubelet',
  subject: container,
  container,
  start: from,
  end: failure.at,
  error: failure.message,
  attempt,
})

function planRun(
  plan: Plan,
  { spec }: ContainerHistory,
  number: number,
  run: Run,
  from: Draft | undefined,
  attempt: number | undefined,
): void {
  const seen = isObserved(run.image) || isObserved(run.created)
  const image = run.image ?? (seen ? unseen() : undefined)
  const started = run.started ?? run.failed?.at
  if (seen && image) {
    const created = run.created ?? (started ? unseen() : undefined)
    run.created = created
    comesBefore(plan, from, image)
    comesBefore(plan, image, created)
    plan.planned.push({
      name: 'create container',
      path: `${spec.name}/create container/${number}`,
      actor: 'container runtime',
      subject: spec.name,
      container: spec.name,
      attempt,
      start: image,
      end: created,
      attributes: { 'podspan.image.cached': run.cached, 'container.image.name': spec.image },
    })
  }
  if (!run.created && !started) return
  const begun = run.created ?? unseen()
  comesBefore(plan, from, begun)
  comesBefore(plan, begun, started)
  plan.planned.push({
    name: 'start container',
    path: `${spec.name}/start container/${number}`,
    actor: 'container runtime',
    subject: spec.name,
    container: spec.name,
    attempt,
    start: begun,
    end: started,
    error: run.failed?.message,
  })
}

function planAfterStart(
  plan: Plan,
  context: ContainerContext,
  history: ContainerHistory,
  role: Role,
  number: number,
  run: Run,
  attempt: number | undefined,
  next: ContainerHistory | undefined,
): void {
  const { spec } = history
  if (!run.started) return
  if (role === 'init') {
    plan.planned.push({
      name: 'run init container',
      path: `${spec.name}/run init container/${number}`,
      actor: 'container',
      subject: spec.name,
      container: spec.name,
      start: run.started,
      end: run.finished,
      attempt,
      error: run.exitCode === undefined || run.exitCode === 0 ? undefined : exitMessage(run),
      attributes: run.exitCode === undefined ? {} : { 'podspan.exit_code': run.exitCode },
    })
    return
  }
  const hooked = spec.postStart ? planHook(plan, context, history, number, run, attempt, next) : run.started
  planProbes(plan, context, history, number, run, hooked, attempt)
}

/** A hook that succeeds says nothing: it was over before the next container's turn, and before the pod was ready. */
function planHook(
  plan: Plan,
  context: ContainerContext,
  history: ContainerHistory,
  number: number,
  run: Run,
  attempt: number | undefined,
  next: ContainerHistory | undefined,
): Draft {
  const { spec, hookFailedBy } = history
  const failed = failedHook(history, number)
  const passed = next && !beganLate(history) ? firstSign(next) : (run.startupPassed ?? run.ready)
  const limits = [
    passed ?? readyAfter(context, number, run),
    run.finished,
    number === 0 ? hookFailedBy : undefined,
  ]
  const end = failed ?? (limits.some((limit) => limit !== undefined) ? unseen() : undefined)
  comesBefore(plan, run.started, end)
  if (!failed) for (const limit of limits) comesBefore(plan, end, limit)
  plan.planned.push({
    name: 'post-start hook',
    path: `${spec.name}/post-start hook/${number}`,
    actor: 'container',
    subject: spec.name,
    container: spec.name,
    start: run.started ?? unseen(),
    end,
    attempt,
    error: failed ? 'PostStartHook failed' : undefined,
  })
  return end ?? unseen()
}

/** The failure of a run's hook: it came when that run had been started, and no later one. */
const failedHook = ({ hookFailures, runs }: ContainerHistory, number: number): Draft | undefined =>
  hookFailures.find(({ best, latest = best }) => {
    const begun = runsInOrder(runs).filter(
      ([, { started }]) => started?.best !== undefined && latest !== undefined && started.best <= latest,
    )
    return (begun.at(-1)?.[0] ?? 0) === number
  })

/** A run that began when Ready had been shown had no part in it. */
function readyAfter(context: ContainerContext, number: number, { started }: Run): Draft | undefined {
  const { readyOnNode, readyReceipt } = context
  if (!mayBoundReady(context, number)) return undefined
  const isLater = started?.best !== undefined && readyReceipt !== undefined && started.best > readyReceipt
  return isLater ? undefined : readyOnNode
}

/** A run began with its image; with what comes later it began at the latest, and nearly so, for a container is created within moments. */
const notAfter = (run: Run, sign: Draft): Draft =>
  sign === run.asked || sign === run.image ? sign : { ...sign, earliest: undefined }

function mayLieBetween(
  { best, earliest = best, latest = best }: Draft,
  after: Draft | undefined,
  before: Draft | undefined,
): boolean {
  const [from, until] = [after?.earliest ?? after?.best, before?.latest ?? before?.best]
  return (
    (latest === undefined || from === undefined || latest > from) &&
    (earliest === undefined || until === undefined || earliest < until)
  )
}

/** A container's own policy stands for the pod's. A sidecar that ends well may have been stopped with the pod's work: it goes by the pod. */
function isRestarted(ofPod: string | undefined, own: string | undefined, role: Role, run: Run): boolean {
  if (run.exitCode !== 0) return (own ?? ofPod) !== 'Never'
  return role !== 'init' && (role === 'sidecar' ? ofPod : (own ?? ofPod)) === 'Always'
}

/** As `restartPolicyRules` may have it too, whatever the policy says. */
const isBackingOff = ({ waiting }: ContainerHistory, run: number): boolean =>
  waiting.some(({ detail, index }) => index === run && detail?.reason === 'CrashLoopBackOff')

/** After a run that ended, the kubelet waits before the next: 10 s, doubled each time, up to 5 min. */
function planRestart(
  plan: Plan,
  { clocks, isEndedWhole, restartPolicy: ofPod, sandboxChanges }: ContainerContext,
  history: ContainerHistory,
  role: Role,
  number: number,
  run: Run,
  later: readonly [number, Run] | undefined,
  failure: Draft | undefined,
): void {
  const { spec } = history
  const next = later?.[1]
  const restarts =
    (isRestarted(ofPod, spec.restartPolicy, role, run) && !isEndedWhole) || isBackingOff(history, number)
  if (!restarts && !next && !failure) return
  const ended = run.finished ?? run.failed?.at ?? unseen()
  const sign = failure ?? (next && signOf(next))
  // It was ended with its sandbox, and begins anew when there is another.
  const change = sandboxChanges.find(({ changed }) => mayLieBetween(changed, run.started, sign))
  if (change) {
    comesBefore(plan, ended, sign)
    return comesBefore(plan, change.ready, sign)
  }
  // Runs in between were not seen: the next of them began some time before the one that was.
  const isNext = later === undefined || later[0] === number + 1
  const until = !isNext ? unseen() : (failure ?? (next && sign && notAfter(next, sign)))
  comesBefore(plan, ended, until)
  if (until !== sign) comesBefore(plan, until, sign)
  const why = killsOf(history, run, clocks).at(-1)?.attributes['podspan.reason']
  plan.planned.push({
    name: 'back-off',
    path: `${spec.name}/back-off/restart/${number + 1}`,
    actor: 'kubelet',
    subject: spec.name,
    container: spec.name,
    start: ended,
    end: until,
    attributes: {
      'podspan.backoff.after': 'exit',
      ...(run.exitCode === undefined ? {} : { 'podspan.exit_code': run.exitCode }),
      ...(why === undefined ? {} : { 'podspan.reason': why }),
    },
  })
}
