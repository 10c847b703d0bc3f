// Owns the generation of pods that wait for a new node: what autoscaler, cloud, kubelet and controllers wrote, and when each step truly was.
// Promises lives that could have been: taints go one by one, the last of them before the pod is bound, and what a component tells of
// a step it tells after it. Does not look at what becomes of it.

import fc from 'fast-check'
import type { Frame } from '../../src/base/frame.ts'
import { clusterFrames, type Write } from './pods-cluster.ts'
import {
  nodeStory,
  nominated,
  NOT_READY,
  oldNode,
  scalerStatus,
  triggered,
  UNREGISTERED,
  unschedulable,
} from './pods-nodes.ts'
import { secondsAt, type Story, story } from './pods.ts'

export interface NodeTruth {
  readonly span: string
  readonly fromMs: number
  readonly toMs: number
}

export interface NewNode {
  readonly frames: readonly Frame[]
  readonly truths: readonly NodeTruth[]
}

const AGENT = 'example.com/agent-not-ready'
const GROUP = 'group-a'

const span = (min: number, max: number): fc.Arbitrary<number> => fc.integer({ min, max })

const nodeLife = fc.record({
  autoscaler: fc.constantFrom('karpenter', 'karpenter', 'cluster-autoscaler', 'nobody says'),
  podMs: span(0, 3000),
  /** From the pod's creation; negative where the node was being made for somebody else. */
  askedAfterMs: fc.oneof(span(60, 12_000), span(-4000, -200)),
  launchMs: span(5, 2000),
  bootMs: span(4500, 25_000),
  registerMs: span(10, 400),
  readyMs: span(20, 4000),
  untaintMs: span(10, 900),
  agentMs: fc.oneof(fc.constant(0), span(50, 3000)),
  bindMs: span(3, 2500),
  lagMs: span(1, 25),
  initializedMs: span(5, 3000),
})

type NodeLife = typeof nodeLife extends fc.Arbitrary<infer T> ? T & { readonly aheadMs?: number } : never

interface Moments {
  readonly asked: number
  readonly launched: number
  readonly joined: number
  readonly registered: number
  readonly ready: number
  readonly untainted: number
  readonly usable: number
}

function momentsOf(life: NodeLife): Moments {
  const asked = life.podMs + life.askedAfterMs
  const launched = asked + life.launchMs
  const joined = launched + life.bootMs
  const registered = joined + life.registerMs
  const ready = joined + life.readyMs
  const untainted = Math.max(ready, registered) + life.untaintMs
  const usable = untainted + life.agentMs
  return { asked, launched, joined, registered, ready, untainted, usable }
}

export const anyNewNode: fc.Arbitrary<NewNode> = nodeLife.map((life) => tellLife(life))

/** The same, by a Karpenter whose clock is off. */
export const anySkewedNode: fc.Arbitrary<NewNode> = fc
  .tuple(nodeLife, fc.constantFrom(4000, -4000, 60_000, -60_000))
  .map(([life, aheadMs]) => tellLife({ ...life, autoscaler: 'karpenter', aheadMs }))

function tellLife(life: NodeLife): NewNode {
  const moments = momentsOf(life)
  const boundMs = moments.usable + life.bindMs
  const pod = story({ createdSeconds: secondsAt(life.podMs) }, life.lagMs)
    .create(life.podMs)
    .other(life.podMs + 15, unschedulable(life.podMs + 15))
  const others = [...machineOf(life, moments).writes(), oldNode(), ...tell(pod, life, moments)]
  pod
    .bind(boundMs, 'node-9')
    .admit(boundMs + 20)
    .start(boundMs + 200, 'app')
    .ready(boundMs + 400)
  return {
    frames: clusterFrames([...pod.writes(), ...others], boundMs + 12_000),
    truths: truthsOf(life, moments),
  }
}

const isKarpenter = ({ autoscaler }: NodeLife): boolean => autoscaler === 'karpenter'

function machineOf(life: NodeLife, moments: Moments) {
  const { lagMs, aheadMs = 0, agentMs } = life
  const { asked, launched, joined, registered, ready, untainted, usable } = moments
  const told = nodeStory({ lagMs, aheadMs })
  const own = [...(isKarpenter(life) ? [UNREGISTERED] : []), NOT_READY, ...(agentMs > 0 ? [AGENT] : [])]
  if (isKarpenter(life)) told.claim(asked).step(launched, 'Launched')
  // What comes first is written first.
  const steps: [number, () => unknown][] = [
    [joined, () => told.join(joined, own)],
    [registered, () => isKarpenter(life) && told.untaint(registered, UNREGISTERED)],
    [registered + 4, () => isKarpenter(life) && told.step(registered + 4, 'Registered')],
    [ready, () => told.ready(ready)],
    [untainted, () => told.untaint(untainted, NOT_READY)],
    [usable, () => agentMs > 0 && told.untaint(usable, AGENT)],
  ]
  for (const [, write] of steps.toSorted(([a], [b]) => a - b)) write()
  if (isKarpenter(life)) told.step(usable + life.initializedMs, 'Initialized')
  return told
}

/** What the pod is told, and what Cluster Autoscaler says on its status. */
function tell(pod: Story, life: NodeLife, { asked, launched }: Moments): Write[] {
  const { podMs, lagMs, aheadMs = 0, autoscaler } = life
  if (autoscaler === 'karpenter') {
    const at = Math.max(asked, podMs + 20) + 12
    // Recorded by Karpenter's clock, stored when it was.
    const record = nominated(at + aheadMs, 'nodeclaim/pool-x7k2p')
    return [{ ms: at, lagMs, kind: 'added', record }]
  }
  if (autoscaler !== 'cluster-autoscaler' || asked < podMs) return []
  pod.other(launched + 30, triggered(launched + 30, `{${GROUP} 1->2 (max: 5)}`))
  const size = (how: string): string => `Scale-up: ${how} 2 instead of 1 (max: 5)`
  return [
    scalerStatus(asked, 'ScaledUpGroup', size(`setting group ${GROUP} size to`)),
    scalerStatus(launched, 'ScaledUpGroup', size(`group ${GROUP} size set to`)),
  ]
}

function truthsOf(life: NodeLife, { asked, launched, joined, usable }: Moments): NodeTruth[] {
  const from = (ms: number): number => Math.max(ms, life.podMs)
  return [
    { span: 'provision node', fromMs: from(asked), toMs: usable },
    { span: 'launch node', fromMs: from(asked), toMs: from(launched) },
    { span: 'register node', fromMs: from(launched), toMs: from(joined) },
    { span: 'initialise node', fromMs: from(joined), toMs: usable },
  ]
}
