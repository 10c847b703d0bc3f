// Owns recordings that no cluster made: what Cluster Autoscaler's documentation and source say it writes, put into the frames of a start.
// Promises that nobody takes them for observed ones: their names begin with `documented-`, and so does the cluster in their header.
// Usage: documented.ts [--out DIRECTORY]. Real components have scenarios; this one asks for a cloud.

import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { gzipSync } from 'node:zlib'
import { unixNano } from '../../src/base/time.ts'
import { formatFrame, formatHeader, type LineType } from '../../src/recording/format.ts'
import { runScript } from '../cluster/commands.ts'

type Fields = Readonly<Record<string, unknown>>

/** A full second. */
const BEGIN = 1_800_000_000_000_000_000n
const moment = (ms: number): bigint => BEGIN + BigInt(Math.round(ms * 1e6))
const second = (ms: number): string =>
  new Date(Math.floor(Number(moment(ms) / 1_000_000_000n)) * 1000).toISOString().replace('.000Z', 'Z')
const micro = (ms: number): string =>
  new Date(Number(moment(ms) / 1_000_000n)).toISOString().replace('Z', '000Z')

interface Written {
  readonly ms: number
  readonly resource: string
  readonly type: LineType
  readonly object: Fields
}

/** The watch shows a thing this long after it was stored. */
const LAG_MS = 4
const NODE = 'group-b-1'
const POD = { name: 'web-0', namespace: 'shop', uid: '6c1f0a52-3b77-4b3e-9a64-0d6f5f1f9b11' }

const condition = (type: string, status: string, ms: number, reason = ''): Fields => ({
  ...{ type, status, lastTransitionTime: second(ms) },
  ...(reason === '' ? {} : { reason, message: reason }),
})

/** One object's versions, each of which says what the one before it said and one thing more. */
class Documented {
  readonly written: Written[] = []
  #pod: Fields = {}
  #status: Fields = { phase: 'Pending' }
  #conditions: readonly Fields[] = []

  pod(ms: number): this {
    const containers = [
      { name: 'app', image: 'registry.example/web:1', resources: { requests: { cpu: '2' } } },
    ]
    this.#pod = { restartPolicy: 'Always', schedulerName: 'default-scheduler', containers }
    return this.#podVersion(ms, 'ADDED')
  }

  turn(ms: number, type: string, status: string, reason = ''): this {
    const others = this.#conditions.filter((one) => one['type'] !== type)
    this.#conditions = [...others, condition(type, status, ms, reason)]
    return this.#podVersion(ms, 'MODIFIED')
  }

  bind(ms: number): this {
    this.#pod = { ...this.#pod, nodeName: NODE }
    const message = `Successfully assigned shop/web-0 to ${NODE}`
    return this.turn(ms, 'PodScheduled', 'True').scheduler(ms + 2, 'Scheduled', message, 'Binding')
  }

  start(ms: number): this {
    this.#status = { ...this.#status, startTime: second(ms) }
    this.turn(ms, 'Ready', 'False', 'ContainersNotReady')
    const image = 'registry.example/web:1'
    this.kubelet(ms + 300, 'Pulling', `Pulling image "${image}"`)
    const pulled = `Successfully pulled image "${image}" in 2s (2s including waiting). Image size: 61000000 bytes.`
    this.kubelet(ms + 2300, 'Pulled', pulled)
    this.kubelet(ms + 2340, 'Created', 'Container created').kubelet(ms + 2400, 'Started', 'Container started')
    const state = { running: { startedAt: second(ms + 2400) } }
    const shown = { name: 'app', image, ready: true, started: true, restartCount: 0, state }
    this.#status = { ...this.#status, phase: 'Running', containerStatuses: [shown] }
    return this.turn(ms + 2600, 'ContainersReady', 'True').turn(ms + 2600, 'Ready', 'True')
  }

  /** As client-go's core recorder writes it. */
  event(
    ms: number,
    of: Fields,
    component: string,
    reason: string,
    message: string,
    count = 1,
    last = ms,
  ): this {
    const involved = String(of['name'])
    const namespace = typeof of['namespace'] === 'string' ? of['namespace'] : 'default'
    const name = `${involved}.${moment(ms).toString(16)}`
    const object = {
      ...{ kind: 'Event', apiVersion: 'v1', metadata: { name, namespace, uid: uidOf(name) } },
      ...{ involvedObject: of, reason, message, type: 'Normal', count },
      ...{ source: { component }, reportingComponent: component },
      ...{ firstTimestamp: second(ms), lastTimestamp: second(last) },
    }
    return this.write(last + 1, 'events', count > 1 ? 'MODIFIED' : 'ADDED', object)
  }

  toldPod(ms: number, reason: string, message: string, count = 1, last = ms): this {
    return this.event(ms, { kind: 'Pod', ...POD }, 'cluster-autoscaler', reason, message, count, last)
  }

  /** On the autoscaler's status. */
  status(ms: number, reason: string, message: string): this {
    const of = { kind: 'ConfigMap', namespace: 'kube-system', name: 'cluster-autoscaler-status' }
    return this.event(ms, of, 'cluster-autoscaler', reason, message)
  }

  kubelet(ms: number, reason: string, message: string): this {
    const of = { kind: 'Pod', ...POD, fieldPath: 'spec.containers{app}' }
    this.event(ms, of, 'kubelet', reason, message)
    const last = this.written.pop()
    if (last)
      this.written.push({ ...last, object: { ...last.object, source: { component: 'kubelet', host: NODE } } })
    return this
  }

  /** As the scheduler's events.k8s.io recorder writes it. */
  scheduler(ms: number, reason: string, message: string, action = 'Scheduling'): this {
    const name = `web-0.${moment(ms).toString(16)}`
    return this.write(ms + 1, 'events', 'ADDED', {
      ...{ kind: 'Event', apiVersion: 'v1', metadata: { name, namespace: 'shop', uid: uidOf(name) } },
      ...{ involvedObject: { kind: 'Pod', ...POD }, reason, message, action, type: 'Normal' },
      ...{ eventTime: micro(ms), reportingComponent: 'default-scheduler', reportingInstance: 'scheduler-1' },
      ...{ firstTimestamp: null, lastTimestamp: null, source: {} },
    })
  }

  /** A node that its cloud controller has still to initialise: joined, Ready, then its taints go. */
  node(joined: number, ready: number, initialised: number): this {
    const taint = (key: string): Fields => ({ key, effect: 'NoSchedule' })
    const [cloud, notReady] = [
      'node.cloudprovider.kubernetes.io/uninitialized',
      'node.kubernetes.io/not-ready',
    ]
    const version = (ms: number, type: LineType, isReady: boolean, taints: readonly string[]): this =>
      this.write(ms, 'nodes', type, {
        ...{ kind: 'Node', apiVersion: 'v1' },
        metadata: { name: NODE, uid: uidOf(NODE), creationTimestamp: second(joined) },
        spec: { taints: taints.map(taint) },
        status: { conditions: [condition('Ready', isReady ? 'True' : 'False', isReady ? ready : joined)] },
      })
    return version(joined, 'ADDED', false, [cloud, notReady]).#readyVersions(version, ready, initialised, [
      cloud,
      notReady,
    ])
  }

  #readyVersions(
    version: (ms: number, type: LineType, isReady: boolean, taints: readonly string[]) => this,
    ready: number,
    initialised: number,
    [cloud = '', notReady = '']: readonly string[],
  ): this {
    version(ready, 'MODIFIED', true, [cloud, notReady])
    version(ready + 400, 'MODIFIED', true, [cloud])
    return version(initialised, 'MODIFIED', true, [])
  }

  write(ms: number, resource: string, type: LineType, object: Fields): this {
    this.written.push({ ms, resource, type, object })
    return this
  }

  #podVersion(ms: number, type: LineType): this {
    const metadata = { ...POD, creationTimestamp: second(0) }
    const status = { ...this.#status, conditions: this.#conditions }
    return this.write(ms, 'pods', type, { kind: 'Pod', apiVersion: 'v1', metadata, spec: this.#pod, status })
  }
}

function uidOf(name: string): string {
  const digits = Buffer.from(name.padEnd(16, '-')).toString('hex').slice(-32)
  return [0, 8, 12, 16, 20].map((from, index) => digits.slice(from, [8, 12, 16, 20, 32][index])).join('-')
}

const NO_CPU = '0/3 nodes are available: 3 Insufficient cpu.'
const pending = (): Documented =>
  new Documented()
    .pod(0)
    .turn(12, 'PodScheduled', 'False', 'Unschedulable')
    .scheduler(11, 'FailedScheduling', NO_CPU)

const sized = (group: string, how: string, now = 1): string =>
  `Scale-up: ${how.replace('GROUP', `group ${group} size`)} ${now + 1} instead of ${now} (max: 5)`

const grow = (told: Documented, ms: number, group: string): Documented =>
  told
    .status(ms, 'ScaledUpGroup', sized(group, 'setting GROUP to'))
    .status(ms + 1800, 'ScaledUpGroup', sized(group, 'GROUP set to'))
    .toldPod(ms + 1850, 'TriggeredScaleUp', `pod triggered scale-up: [{${group} 1->2 (max: 5)}]`)

const placed = (told: Documented, ms: number): Documented => told.bind(ms).start(ms + 30)

/** By name, what was written. */
export const documented: Readonly<Record<string, () => readonly Written[]>> = {
  'documented-cluster-autoscaler-grows': () => {
    const told = grow(pending(), 9_400, 'group-b')
    return placed(told.node(52_300, 63_100, 66_700), 66_900).written
  },
  'documented-cluster-autoscaler-limit-and-timeout': () => {
    const full = "pod didn't trigger scale-up: 1 max node group size reached"
    const told = pending()
      .toldPod(9_300, 'NotTriggerScaleUp', full)
      .toldPod(9_300, 'NotTriggerScaleUp', full, 3, 29_500)
    grow(told, 40_100, 'group-a')
    told.status(162_000, 'ScaleUpTimedOut', 'Nodes added to group group-a failed to register within 2m0s')
    grow(told, 172_300, 'group-b')
    return placed(told.node(214_600, 225_000, 228_200), 228_500).written
  },
}

/** The file's lines: versions in the order of writing, as one store numbers them. */
export function linesOf(written: readonly Written[]): string[] {
  const startedAt = unixNano(BEGIN - 5_000_000_000n)
  const header = formatHeader({ kubernetes: 'v1.36.3', cluster: 'documented, not recorded', startedAt })
  const sorted = [...written, ...leases(written)].toSorted((a, b) => a.ms - b.ms)
  const frames = sorted.map(({ ms, resource, type, object }, index) => {
    const metadata = { ...(object['metadata'] as Fields), resourceVersion: String(1000 + index) }
    return formatFrame({ t: unixNano(moment(ms + LAG_MS)), resource, type, object: { ...object, metadata } })
  })
  const over = Math.max(...written.map(({ ms }) => ms)) + 7_000
  const end = { kind: 'Pod', apiVersion: 'v1', metadata: { resourceVersion: String(1000 + sorted.length) } }
  return [
    header,
    ...frames,
    formatFrame({ t: unixNano(moment(over)), resource: 'pods', type: 'BOOKMARK', object: end }),
  ]
}

/** The new node renews its Lease every 10 s, so that its clock is known to be right. */
function leases(written: readonly Written[]): Written[] {
  const joined = written.find(({ resource }) => resource === 'nodes')?.ms ?? 0
  const last = Math.max(...written.map(({ ms }) => ms))
  const renewals: Written[] = []
  for (let ms = joined + 900; ms < last; ms += 10_000) {
    const metadata = { name: NODE, namespace: 'kube-node-lease', uid: uidOf(`lease-${NODE}`) }
    const spec = { holderIdentity: NODE, leaseDurationSeconds: 40, renewTime: micro(ms) }
    const object = { kind: 'Lease', apiVersion: 'coordination.k8s.io/v1', metadata, spec }
    renewals.push({
      ms: ms + 1,
      resource: 'leases',
      type: ms === joined + 900 ? 'ADDED' : 'MODIFIED',
      object,
    })
  }
  return renewals
}

async function main(): Promise<void> {
  const out = join(import.meta.dirname, '..', 'recordings')
  const { values } = parseArgs({ options: { out: { type: 'string', default: out } } })
  for (const [name, tell] of Object.entries(documented))
    await writeFile(
      join(values.out, `${name}.jsonl.gz`),
      gzipSync(`${linesOf(tell()).join('\n')}\n`, { level: 9 }),
    )
}

if (import.meta.main) runScript(main)
