// Owns the profile of a piece of work: where its time and its memory go, by function.
// Promises V8's own sampling profilers in this process, with places in this repository.
// Does not keep profiles.

import type { HeapProfiler, Profiler, Runtime } from 'node:inspector'
import { Session } from 'node:inspector/promises'

const SAMPLE_US = 200
const SAMPLE_BYTES = 16 * 1024
const TOP = 40

/** Samples this process from now on; what it answers ends that and says where the time went. */
export async function profileTime(): Promise<() => Promise<string>> {
  const session = new Session()
  session.connect()
  await session.post('Profiler.enable')
  await session.post('Profiler.setSamplingInterval', { interval: SAMPLE_US })
  await session.post('Profiler.start')
  return async () => {
    const { profile } = await session.post('Profiler.stop')
    session.disconnect()
    return describeTime(profile).join('\n')
  }
}

/** Runs the work twice: once for time, once for what it allocates, garbage included. */
export async function profiled(work: () => void): Promise<string> {
  const stop = await profileTime()
  work()
  const time = await stop()
  const session = new Session()
  session.connect()
  await session.post('HeapProfiler.startSampling', {
    samplingInterval: SAMPLE_BYTES,
    includeObjectsCollectedByMajorGC: true,
    includeObjectsCollectedByMinorGC: true,
  })
  work()
  const heap = await session.post('HeapProfiler.stopSampling')
  session.disconnect()
  return [time, ...describeMemory(heap.profile)].join('\n')
}

function describeTime(profile: Profiler.Profile): string[] {
  const selfUs = new Map<number, number>()
  const { nodes, samples = [], timeDeltas = [] } = profile
  samples.forEach((id, index) => selfUs.set(id, (selfUs.get(id) ?? 0) + (timeDeltas[index] ?? 0)))
  const byId = new Map(nodes.map((node) => [node.id, node]))
  const self = new Map<string, number>()
  const files = new Map<string, number>()
  const total = new Map<string, number>()
  const lines = new Map<string, number>()
  for (const { callFrame, positionTicks = [] } of nodes)
    for (const { line, ticks } of positionTicks) addTo(lines, `${fileOf(callFrame)}:${line}`, ticks)
  const visit = (node: Profiler.ProfileNode, above: ReadonlySet<string>): number => {
    const name = nameOf(node.callFrame)
    let us = selfUs.get(node.id) ?? 0
    if (name === '(idle)') return 0
    addTo(self, name, us)
    addTo(files, fileOf(node.callFrame), us)
    const within = new Set(above).add(name)
    for (const id of node.children ?? []) {
      const child = byId.get(id)
      if (child) us += visit(child, within)
    }
    // A recursive function counts once, where it was first entered.
    if (!above.has(name)) addTo(total, name, us)
    return us
  }
  const root = nodes[0]
  const wholeUs = root ? visit(root, new Set()) : 0
  return [
    `\nself time by function, of ${Math.round(wholeUs / 1000)} ms`,
    ...shares(self, wholeUs),
    '\nself time by line',
    ...shares(lines, samples.length),
    '\nself time by file',
    ...shares(files, wholeUs),
    '\ntime by function with all it calls',
    ...shares(total, wholeUs),
  ]
}

function describeMemory(profile: HeapProfiler.SamplingHeapProfile): string[] {
  const bytes = new Map<string, number>()
  const visit = (node: HeapProfiler.SamplingHeapProfileNode): number => {
    addTo(bytes, nameOf(node.callFrame), node.selfSize)
    return node.children.reduce((sum, child) => sum + visit(child), node.selfSize)
  }
  const whole = visit(profile.head)
  return [`\nbytes allocated by function, of ${Math.round(whole / 1e6)} MB`, ...shares(bytes, whole)]
}

function addTo(sums: Map<string, number>, key: string, by: number): void {
  sums.set(key, (sums.get(key) ?? 0) + by)
}

function shares(sums: ReadonlyMap<string, number>, whole: number): string[] {
  return [...sums]
    .sort(([, a], [, b]) => b - a)
    .slice(0, TOP)
    .map(([name, part]) => `${((100 * part) / whole).toFixed(1).padStart(6)} %  ${name}`)
}

const fileOf = ({ url, functionName }: Runtime.CallFrame): string =>
  url.replace(/^.*\/(?=src\/|bench\/|test\/)/, '').replace(/^file:.*\//, '') || functionName

function nameOf(frame: Runtime.CallFrame): string {
  const name = frame.functionName || '(anonymous)'
  return frame.url === '' ? name : `${name}  ${fileOf(frame)}:${frame.lineNumber + 1}`
}
