// Owns whether a container crashed just after its pod was ready, which makes the start `unstable`.
// Promises a crash only where the evidence puts one after Ready and within the time to settle: by when each was shown, and by the node's
// own clock where one frame showed both. Does not name the outcome: pipeline.ts does.

import { add, type DurationNano, fromSeconds, SECOND, type UnixNano } from '../base/time.ts'
import { MISSED } from '../observe/pod.ts'
import { type Facts, factsOf, firstTrue } from '../operations/milestones.ts'
import type { Startup } from '../operations/startup.ts'
import { combine } from '../timeline/combine.ts'
import type { Fact } from '../timeline/facts.ts'
import type { End } from '../timeline/pod-timeline.ts'

/** A container that ended non-zero while the evidence settled, in words. */
export function crashedAfterReady(
  { facts, root }: Startup,
  ended: End | undefined,
  settle: DurationNano,
): string | undefined {
  if (!ended) return undefined
  const ready = firstTrue(facts, 'Ready')
  const isListed = ready?.stamps.some(({ source }) => source === 'list-receipt') ?? false
  const earliest = isListed ? root.end.earliest : undefined
  for (const fact of factsOf(facts, 'finished container')) {
    if (!fact.detail?.exitCode || !wasSeenWithin(fact, ended.seenAt, settle)) continue
    if (wasBeforeReady(fact, ready) || wasStopped(facts, fact) || outlivedItsWork(facts, fact)) continue
    if (earliest !== undefined && wasLongAfter(facts, fact, add(earliest, settle))) continue
    const { exitCode, reason } = fact.detail
    return `${fact.container} exited with code ${exitCode}${reason && reason !== 'Error' ? ` (${reason})` : ''}`
  }
  return undefined
}

function wasSeenWithin(fact: Fact, from: UnixNano, settle: DurationNano): boolean {
  const seen = receiptOf(fact)
  return seen !== undefined && seen >= from && seen - from <= settle
}

/** One frame may be the first to show both: by whole seconds of the node's clock, one that was over before Ready's last turn took no part. */
function wasBeforeReady(fact: Fact, ready: Fact | undefined): boolean {
  const [over, turned] = [secondOf(fact), ready && secondOf(ready)]
  if (over === undefined || turned === undefined || ready?.detail?.reason === MISSED) return false
  return add(over, SECOND) <= turned
}

/** A list says only of its last turn when a pod became ready: it may have been ready for days. */
function wasLongAfter({ clocks }: Facts, fact: Fact, limit: UnixNano): boolean {
  const { earliest } = combine('finished container', fact.stamps, clocks)
  return earliest !== undefined && earliest > limit
}

/** One that was asked to end was killed, not unstable; but with its sandbox the pod went down. */
function wasStopped(facts: Facts, fact: Fact): boolean {
  const [asked] = factsOf(facts, 'deleting')
  const [deleting, seen] = [asked && receiptOf(asked), receiptOf(fact)]
  if (deleting !== undefined && seen !== undefined && seen >= deleting) return true
  if (factsOf(facts, 'sandbox changed').length > 0) return false
  const [from, until] = [startOf(facts, fact), secondOf(fact)]
  return factsOf(facts, 'noted').some(
    ({ container, detail, stamps: [stamp] }) =>
      container === fact.container &&
      detail?.reason === 'Killing' &&
      detail.message?.startsWith(STOPPING) === true &&
      stamp !== undefined &&
      (from === undefined || stamp.at >= from) &&
      (until === undefined || stamp.at < until + SECOND),
  )
}

/** What a kubelet says that stops a container with its pod; of a probe's failure it says so (kuberuntime_container.go, killContainer). */
const STOPPING = 'Stopping container '

/** A sidecar goes on until the containers that it is for are done; how it ends then is no word on the pod (KEP-753). */
function outlivedItsWork({ pod }: Facts, fact: Fact): boolean {
  const spec = pod.initContainers?.find(({ name }) => name === fact.container)
  const over = secondOf(fact)
  if (spec?.restartPolicy !== 'Always' || over === undefined) return false
  return pod.containers.every(({ name }) => {
    const state = pod.containerStatuses?.find((one) => one.name === name)?.state
    if (state?.kind !== 'terminated' || state.finishedSeconds === undefined) return false
    return fromSeconds(state.finishedSeconds) <= over
  })
}

const startOf = (facts: Facts, { container, index }: Fact): UnixNano | undefined => {
  const started = factsOf(facts, 'started container')
  const own = started.find((one) => one.container === container && one.index === index && one.group === '')
  return own && secondOf(own)
}

/** The whole second that the node stamped. */
const secondOf = ({ stamps }: Fact): UnixNano | undefined =>
  stamps.find(({ source }) => source === 'state-second' || source === 'condition-second')?.at

const receiptOf = ({ stamps }: Fact): UnixNano | undefined =>
  stamps.find(({ clock }) => clock === 'observer')?.at
