// Owns the process that records: the project's own watches, one set per namespace, written to stdout as they arrive.
// Promises that nothing else runs in its process, so that a receipt is as late as the watch and the machine make it, and no later.
// Does not keep files. Usage: recorder.ts KUBECONFIG VERSION; then lines `start NAME namespace`,
// `start NAME cluster` (everything; the name only marks its lines) and `stop NAME` on stdin.

import { createInterface } from 'node:readline'
import type { Frame } from '../../src/base/frame.ts'
import { type Connection, openConnection } from '../../src/kube/config.ts'
import type { RawEvent } from '../../src/kube/reflector.ts'
import { type RecordStreams, watchToRecord } from '../../src/kube/watch-to-record.ts'
import { formatFrame, formatHeader, INITIAL_EVENTS_END, LINE_TYPES } from '../../src/recording/format.ts'
import { redact } from '../../src/recording/redact.ts'
import { clock } from '../cluster/commands.ts'

const [kubeconfig = '', kubernetes = ''] = process.argv.slice(2)
const clusters = new Map<string, RecordedCluster>()
const waiting: (() => void)[] = []

interface RecordedCluster {
  readonly streams: RecordStreams
  readonly connection: Connection
}

/** Writing an object takes longer than receiving it; one at a time between two looks at the network, so that no receipt waits for it. */
function later(write: () => void): void {
  if (waiting.push(write) === 1) setImmediate(writeNext)
}

function writeNext(): void {
  waiting[0]?.()
  waiting.shift()
  if (waiting.length > 0) setImmediate(writeNext)
}

/** A connection each: a pool is made for the streams of one cluster, and a stream that waits for a socket would miss what happens. */
async function start(name: string, scope: string): Promise<void> {
  const connection = await openConnection({ kubeconfig })
  // Answers are told apart by the namespace before the first tab; JSON holds no raw tab.
  const put = (line: string): void => void process.stdout.write(`${name}\t${line}\n`)
  put(formatHeader({ kubernetes, cluster: 'podspan-test', startedAt: clock.now() }))
  const onRaw = (event: RawEvent): void => later(() => writeObject(put, event))
  const onFrame = (frame: Frame): void => later(() => writeConclusion(put, frame))
  // Back-off only, and one recorder has nobody to be out of step with.
  const random = (): number => 0.5
  const where = scope === 'cluster' ? {} : { namespace: name }
  const streams = watchToRecord(connection, { ...where, clock, random, onRaw, onFrame })
  clusters.set(name, { streams, connection })
}

async function stop(namespace: string): Promise<void> {
  const cluster = clusters.get(namespace)
  clusters.delete(namespace)
  await cluster?.streams.close()
  await cluster?.connection.close()
  later(() => void process.stdout.write(`${namespace}\tstopped\n`))
}

function writeObject(put: (line: string) => void, { t, resource, type, object, phase }: RawEvent): void {
  const known = LINE_TYPES.find((each) => each === type)
  if (known === undefined || known === 'BOOKMARK') return
  const kept = redact(object as Parameters<typeof redact>[0])
  put(formatFrame({ t, resource, type: known, object: kept, ...(phase !== 'live' && { phase }) }))
}

/** What the watch concludes and no object says: a gap, and the end of a list. */
function writeConclusion(put: (line: string) => void, frame: Frame): void {
  if (frame.kind === 'gap')
    put(formatFrame({ t: frame.t, resource: frame.source, type: 'ERROR', object: { message: frame.reason } }))
  if (frame.kind !== 'synced') return
  const object = { metadata: { annotations: { [INITIAL_EVENTS_END]: 'true' } } }
  put(formatFrame({ t: frame.t, resource: frame.source, type: 'BOOKMARK', object }))
}

createInterface({ input: process.stdin })
  .on('line', (line) => {
    const [command, namespace = '', scope = 'namespace'] = line.split(' ')
    if (command === 'start') void start(namespace, scope)
    else void stop(namespace)
  })
  .on('close', () => process.exit(0))
