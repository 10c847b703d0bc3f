// Owns stories of nodes that are made for a pod: what Karpenter, Cluster Autoscaler, the node and its controllers wrote, when.
// Promises objects as Karpenter 1.14 and Cluster Autoscaler 1.36 write them, as far as Podspan reads them.
// Does not know what should come of them: tests do.

import type {
  Condition,
  EventRecord,
  NodeClaimRecord,
  NodeRecord,
  ObjectReference,
} from '../../src/base/record.ts'
import type { Write } from './pods-cluster.ts'
import { at, condition, eventRecord, LAG_MS, secondsAt } from './pods-records.ts'

export const UNREGISTERED = 'karpenter.sh/unregistered'
export const NOT_READY = 'node.kubernetes.io/not-ready'

const taint = (key: string): { key: string; effect: string } => ({ key, effect: 'NoSchedule' })

export interface NodeStory {
  /** Karpenter asks for the node. */
  claim(ms: number): NodeStory
  /** A condition of the NodeClaim becomes True; with `Registered` it learns its node's name. */
  step(ms: number, type: 'Launched' | 'Registered' | 'Initialized'): NodeStory
  /** A condition that is not met says why. */
  hindered(ms: number, type: string, reason: string, message: string): NodeStory
  /** An event of the NodeClaim, such as `InsufficientCapacityError`. */
  told(ms: number, reason: string, message: string): NodeStory
  giveUp(ms: number): NodeStory
  /** The kubelet registers, not Ready yet. */
  join(ms: number, taints?: readonly string[]): NodeStory
  ready(ms: number, status?: 'True' | 'False'): NodeStory
  untaint(ms: number, key: string): NodeStory
  writes(): readonly Write[]
}

export interface NodeNames {
  readonly claim?: string
  readonly node?: string
  readonly lagMs?: number
  /** By how much Karpenter's clock is ahead. */
  readonly aheadMs?: number
}

const STEPS = ['Launched', 'Registered', 'Initialized']

export function nodeStory(names: NodeNames = {}): NodeStory {
  const { claim = 'pool-x7k2p', node = 'node-9', lagMs = LAG_MS, aheadMs = 0 } = names
  const own: Write[] = []
  let nodeClaim: NodeClaimRecord = {
    ...{ resource: 'nodeclaims', uid: `claim-${claim}`, name: claim, namespace: '', resourceVersion: '1' },
    labels: { 'karpenter.sh/nodepool': 'pool' },
  }
  let machine: NodeRecord = {
    ...{ resource: 'nodes', uid: `node-${node}`, name: node, namespace: '', resourceVersion: '1' },
  }
  const write = (ms: number, record: Write['record'], kind: Write['kind'] = 'modified'): NodeStory => {
    own.push({ ms, lagMs, record, kind })
    return self
  }
  const turn = (ms: number, met: Condition, more: Partial<NodeClaimRecord> = {}): NodeStory => {
    const others = (nodeClaim.conditions ?? []).filter(({ type }) => type !== met.type)
    nodeClaim = { ...nodeClaim, ...more, conditions: [...others, met] }
    return write(ms, nodeClaim)
  }
  const self: NodeStory = {
    claim: (ms) => {
      const conditions = STEPS.map((type) =>
        condition(type, 'Unknown', ms + aheadMs, 'AwaitingReconciliation'),
      )
      nodeClaim = { ...nodeClaim, createdSeconds: secondsAt(ms), conditions }
      return write(ms, nodeClaim, 'added')
    },
    step: (ms, type) =>
      turn(ms, condition(type, 'True', ms + aheadMs), type === 'Registered' ? { node } : {}),
    hindered: (ms, type, reason, message) => {
      const since = nodeClaim.conditions?.find((one) => one.type === type)?.transitionSeconds
      return turn(ms, { type, status: 'Unknown', reason, message, transitionSeconds: since ?? secondsAt(ms) })
    },
    told: (ms, reason, message) => write(ms, claimEvent(ms + aheadMs, claim, reason, message), 'added'),
    giveUp: (ms) => write(ms, nodeClaim, 'deleted'),
    join: (ms, taints = [UNREGISTERED, NOT_READY]) => {
      machine = {
        ...machine,
        createdSeconds: secondsAt(ms),
        conditions: [condition('Ready', 'False', ms)],
        taints: taints.map(taint),
      }
      return write(ms, machine, 'added')
    },
    ready: (ms, status = 'True') => {
      machine = { ...machine, conditions: [condition('Ready', status, ms)] }
      return write(ms, machine)
    },
    untaint: (ms, key) => {
      machine = { ...machine, taints: (machine.taints ?? []).filter((one) => one.key !== key) }
      return write(ms, machine)
    },
    writes: () => own,
  }
  return self
}

function claimEvent(ms: number, claim: string, reason: string, message: string): EventRecord {
  const involved: ObjectReference = { apiVersion: 'karpenter.sh/v1', kind: 'NodeClaim', name: claim }
  const name = `${claim}.${at(ms).toString(16)}`
  return eventRecord(ms, reason, { name, namespace: 'default', involved, component: 'karpenter', message })
}

/** A node that has long been there. */
export function oldNode(name = 'node-1', ageMs = 86_400_000): Write {
  const record: NodeRecord = {
    ...{ resource: 'nodes', uid: `node-${name}`, name, namespace: '', resourceVersion: '1' },
    createdSeconds: secondsAt(-ageMs),
    conditions: [condition('Ready', 'True', -ageMs + 5000)],
  }
  return { ms: -20_000, lagMs: LAG_MS, record, kind: 'added' }
}

export const nominated = (ms: number, target: string): EventRecord =>
  eventRecord(ms, 'Nominated', { component: 'karpenter', message: `Pod should schedule on: ${target}` })

export const refused = (ms: number, message: string): EventRecord =>
  eventRecord(ms, 'FailedScheduling', { component: 'karpenter', message, type: 'Warning' })

export const triggered = (ms: number, groups: string): EventRecord =>
  eventRecord(ms, 'TriggeredScaleUp', {
    component: 'cluster-autoscaler',
    message: `pod triggered scale-up: [${groups}]`,
  })

export const notTriggered = (ms: number, why: string): EventRecord =>
  eventRecord(ms, 'NotTriggerScaleUp', {
    component: 'cluster-autoscaler',
    message: `pod didn't trigger scale-up: ${why}`,
  })

/** What Cluster Autoscaler writes on its status ConfigMap. */
export function scalerStatus(ms: number, reason: string, message: string): Write {
  const name = `cluster-autoscaler-status.${at(ms).toString(16)}`
  const involved = { kind: 'ConfigMap', namespace: 'kube-system', name: 'cluster-autoscaler-status' }
  const more = { name, namespace: 'kube-system', involved, component: 'cluster-autoscaler', message }
  return { ms, lagMs: LAG_MS, kind: 'added', record: eventRecord(ms, reason, more) }
}

/** As the scheduler's recorder writes it. */
export function unschedulable(
  ms: number,
  message = '0/1 nodes are available: 1 Insufficient cpu.',
): EventRecord {
  const { firstSeconds: _, lastSeconds: __, count: ___, ...bare } = eventRecord(ms, 'FailedScheduling')
  return { ...bare, eventTime: at(ms), message, component: 'default-scheduler', host: 'scheduler-1' }
}
