// Owns the bench of scale: the operator as its image runs it, before the largest cluster that Kubernetes is meant for.
// Promises the whole process as the system counts it, from its first byte: processor time, resident memory and its peak, and the longest
// pause of its event loop. Does not build the bundle: `make bench` does.

import { readFileSync } from 'node:fs'
import { type Operator, startOperator, sumOf } from '../test/simulator/operator.ts'
import { type Simulator, startSimulator } from '../test/simulator/process.ts'
import { startOtlpReceiver } from '../test/support/otlp-receiver.ts'
import type { Bench, Result } from './report.ts'

/** Kubernetes' own envelope: https://kubernetes.io/docs/setup/best-practices/cluster-large/ */
const NODES = 5000
const PODS = 150_000
const FEWER_PODS = 30_000
const IN_FLIGHT = 20_000
const SETTLED_MS = 20_000

interface Seen {
  readonly cpuSeconds: number
  readonly peakMb: number
  readonly afterMb: number
  readonly pauseMs: number
  readonly inFlightMb: number
  readonly requests: number
}

export const bench: Bench = async ({ quick, say }) => {
  const share = quick ? 100 : 1
  const small = await measure({ pods: FEWER_PODS / share, nodes: NODES / share, inFlight: 0 })
  const large = await measure({ pods: PODS / share, nodes: NODES / share, inFlight: IN_FLIGHT / share })
  for (const seen of [small, large]) say(`  ${JSON.stringify(seen)}`)
  const perPod = (large.cpuSeconds - small.cpuSeconds) / ((PODS - FEWER_PODS) / share)
  const value = (what: string, unit: string, ours: number, atMost: number): Result => ({
    what,
    unit,
    ours: [ours],
    target: { kind: 'value', atMost },
  })
  const all = `${(PODS / share).toLocaleString('en')} running pods, ${(NODES / share).toLocaleString('en')} nodes`
  return [
    value(`${all}: RSS, settled`, 'MB', large.afterMb, 150),
    value(`${all}: CPU until they are known, start included`, 's', large.cpuSeconds, 10),
    value(`${all}: longest pause meanwhile`, 'ms', large.pauseMs, 50),
    { what: `${all}: peak RSS meanwhile`, unit: 'MB', ours: [large.peakMb] },
    { what: `each more of them: CPU`, unit: 'µs', ours: [perPod * 1e6] },
    value(
      `the same and ${(IN_FLIGHT / share).toLocaleString('en')} pods in flight: RSS`,
      'MB',
      large.inFlightMb,
      250,
    ),
    value(`requests to the API server for each of those`, '', (large.requests * share) / IN_FLIGHT, 0.001),
  ]
}

interface Size {
  readonly pods: number
  readonly nodes: number
  readonly inFlight: number
}

async function measure({ inFlight, nodes, pods }: Size): Promise<Seen> {
  await using simulator = await startSimulator({ nodes, seed: 1 }, () => undefined)
  const receiver = await startOtlpReceiver({ protocol: 'http', keep: 'counts' })
  try {
    await simulator.commands.fill(pods)
    const { ca, token, url } = simulator
    await using operator = await startOperator({
      url,
      ca,
      token,
      endpoint: receiver.url,
      config: { startTimeout: '10m' },
    })
    await operator.said('podspan is ready')
    // Pauses are told since the scrape before: of this one, since the start.
    const exposed = await operator.metrics()
    const cpuSeconds = sumOf(exposed, 'process_cpu_seconds_total', [])
    const pauseMs = sumOf(exposed, 'podspan_event_loop_delay_seconds', ['"max"']) * 1000
    const peakMb = statusMb(operator, 'VmHWM')
    await pause(SETTLED_MS)
    const afterMb = statusMb(operator, 'VmRSS')
    const { inFlightMb, requests } = await flown(simulator, operator, inFlight)
    return { cpuSeconds, peakMb, afterMb, pauseMs, inFlightMb, requests }
  } finally {
    await receiver.close()
  }
}

async function flown(
  simulator: Simulator,
  operator: Operator,
  count: number,
): Promise<{ inFlightMb: number; requests: number }> {
  const asked = async (): Promise<number> => {
    const seen = await simulator.commands.requests()
    // The Lease is renewed, and the session's status written, however many there are.
    return Object.entries(seen)
      .filter(([what]) => what.startsWith('GET') || what.startsWith('LIST'))
      .reduce((sum, [, times]) => sum + times, 0)
  }
  const before = await asked()
  await simulator.commands.addPending(count)
  const isKnown = async (): Promise<boolean> =>
    (await operator.metric('podspan_pod_starts_in_flight')) >= count
  for (const end = performance.now() + 120_000; !(await isKnown()); await pause(500))
    if (performance.now() > end) throw new Error(`not all of ${count} pods are in flight after two minutes`)
  await pause(SETTLED_MS)
  return { inFlightMb: statusMb(operator, 'VmRSS'), requests: (await asked()) - before }
}

function statusMb({ child }: Operator, what: 'VmRSS' | 'VmHWM'): number {
  const text = readFileSync(`/proc/${child.pid}/status`, 'utf8')
  const [, kilobytes] = new RegExp(`^${what}:\\s*(\\d+) kB$`, 'm').exec(text) ?? []
  return (Number(kilobytes) * 1024) / 1e6
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
