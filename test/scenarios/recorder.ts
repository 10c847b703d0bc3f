// Owns the process that records: the project's own watches, one set per namespace, written to stdout as they arrive.
// Promises that nothing else runs in its process, so that a receipt is as late as the watch and the machine make it, and no later.
// Does not keep files. Usage: recorder.ts KUBECONFIG VERSION; then lines `start NAMESPACE` and `stop NAMESPACE` on stdin.

import { createInterface } from 'node:readline'
import type { Frame } from '../../src/base/frame.ts'
import { type Cluster, watchCluster } from '../../src/kube/cluster.ts'
import { openConnection } from '../../src/kube/config.ts'
import type { RawEvent } from '../../src/kube/reflector.ts'
import { formatFrame, formatHeader, INITIAL_EVENTS_END, LINE_TYPES } from '../../src/recording/format.ts'
import { redact } from '../../src/recording/redact.ts'
import { clock } from '../cluster/commands.ts'

const [kubeconfig = '', kubernetes = ''] = process.argv.slice(2)
const connection = await openConnection({ kubeconfig })
const clusters = new Map<string, Cluster>()

function start(namespace: string): void {
  // Answers are told apart by the namespace before the first tab; JSON holds no raw tab.
  const put = (line: string): void => void process.stdout.write(`${namespace}\t${line}\n`)
  put(formatHeader({ kubernetes, cluster: 'podspan-test', startedAt: clock.now() }))
  const onRaw = (event: RawEvent): void => writeObject(put, event)
  const onFrame = (frame: Frame): void => writeConclusion(put, frame)
  clusters.set(namespace, watchCluster(connection, { namespace, clock, encoding: 'json', onRaw, onFrame }))
}

async function stop(namespace: string): Promise<void> {
  await clusters.get(namespace)?.close()
  clusters.delete(namespace)
  process.stdout.write(`${namespace}\tstopped\n`)
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
    const [command, namespace = ''] = line.split(' ')
    if (command === 'start') start(namespace)
    else void stop(namespace)
  })
  .on('close', () => process.exit(0))
