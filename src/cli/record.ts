// Owns `podspan record`: what the watches receive goes into a file, as it came.
// Promises a recording that replays to the traces that were there to see, redacted unless told otherwise, and readable however it ended.
// Does not trace.

import { stat } from 'node:fs/promises'
import type { Clock } from '../base/clock.ts'
import type { Frame, ObjectFrame } from '../base/frame.ts'
import type { DurationNano, UnixNano } from '../base/time.ts'
import { toMilliseconds } from '../base/time.ts'
import type { MissingStream } from '../kube/cluster.ts'
import type { RawEvent } from '../kube/reflector.ts'
import { INITIAL_EVENTS_END, isObject, LINE_TYPES, type LineType } from '../recording/format.ts'
import { createRecordingWriter, type RecordingWriter } from '../recording/write.ts'
import { type ClusterOptions, connect, refuse, type Target } from './connect.ts'
import type { Context } from './context.ts'
import { CliError, EXIT, type ExitCode } from './exit.ts'
import { aborted } from './live.ts'
import { createPastEvents } from './past-events.ts'
import { formatDuration, list, neutralise } from './text.ts'
import { createDeferred } from './deferred.ts'

export interface RecordOptions extends ClusterOptions {
  readonly file?: string
  readonly selector?: string
  readonly for?: DurationNano
  /** Commander's form of --no-redact. */
  readonly redact: boolean
}

const FLUSH_MS = 5000

export async function record(context: Context, options: RecordOptions): Promise<ExitCode> {
  const { clock, terminal, signal } = context
  const target = await connect(context, options)
  const started = clock.now()
  const file =
    options.file ??
    `podspan-${new Date(Number(started / 1_000_000n)).toISOString().replaceAll(/[:.]/g, '').slice(0, 17)}Z.jsonl.gz`
  if (await isTaken(file))
    throw new CliError(
      EXIT.input,
      `${neutralise(file)} is there already, and is kept: name another file, or remove it.`,
    )
  const stop = new AbortController()
  const until = AbortSignal.any([signal, stop.signal])
  const recorder = await openRecorder(context, target, options, {
    file,
    started,
    until,
    onError: () => stop.abort(),
  })
  await Promise.race([recorder.ready, aborted(until)])
  await sayMissing(context, recorder, stop)
  terminal.say(
    `podspan: recording ${options.namespace ?? 'all namespaces'} of ${target.connection.contextName} into ${file}; Ctrl-C ends it.`,
  )
  if (!options.redact)
    terminal.say('podspan: not redacted: environment values, arguments and annotations are in the file.')
  if (options.for !== undefined) void clock.sleep(toMilliseconds(options.for), until).then(() => stop.abort())
  await flushing(clock, recorder.writer, until)
  return finish(context, recorder, file, started)
}

/** What was recorded cannot be had again. A pipe, a terminal and an empty file are there to be written to. */
async function isTaken(file: string): Promise<boolean> {
  if (file === '-') return false
  const found = await stat(file).catch(() => undefined)
  return found !== undefined && found.isFile() && found.size > 0
}

interface Recorder {
  readonly writer: RecordingWriter
  readonly ready: Promise<void>
  missing(): readonly MissingStream[]
  close(): Promise<void>
}

interface Plan {
  readonly file: string
  readonly started: UnixNano
  readonly until: AbortSignal
  readonly onError: () => void
}

async function openRecorder(
  context: Context,
  target: Target,
  options: RecordOptions,
  plan: Plan,
): Promise<Recorder> {
  const { watchToRecord } = await import('../kube/watch-to-record.ts')
  const { connection, version, clusterUid } = target
  const { namespace, selector } = options
  let setPressure = (_behind: boolean): void => {}
  const header = {
    kubernetes: version,
    cluster: connection.contextName,
    ...(clusterUid && { clusterUid }),
    startedAt: plan.started,
  }
  const writer = createRecordingWriter(plan.file, header, {
    redact: options.redact,
    onPressure: (behind) => setPressure(behind),
    onError: plan.onError,
    stdout: context.stdout,
  })
  // A receipt is stamped when its bytes are read: whatever can wait must not delay that.
  const deferred = createDeferred()
  const past = createPastEvents(connection, writer, context, { namespace, signal: plan.until })
  const cluster = watchToRecord(connection, {
    ...(namespace !== undefined && { namespace }),
    ...(selector !== undefined && { podLabelSelector: selector }),
    clock: context.clock,
    random: context.random,
    signal: plan.until,
    onRaw: (event) => {
      past.see(event)
      deferred.later(() => writeRaw(writer, event))
    },
    onFrame: (frame) => {
      deferred.later(() => writeFrame(writer, frame))
      if (frame.kind === 'synced' && frame.source === 'events') past.read()
    },
  })
  setPressure = (behind) => (behind ? cluster.valve.close() : cluster.valve.open())
  return {
    writer,
    ready: cluster.ready,
    missing: cluster.missing,
    close: async () => {
      await Promise.all([cluster.close(), past.ended()])
      deferred.drain()
      await connection.close()
    },
  }
}

/** Without pods there is nothing to record; the file is left with its header. */
async function sayMissing({ terminal }: Context, recorder: Recorder, stop: AbortController): Promise<void> {
  for (const { resource, reason, cost } of recorder.missing()) {
    if (resource !== 'pods') {
      terminal.say(`podspan: ${resource} are not recorded: ${neutralise(reason)}. ${cost}`)
      continue
    }
    stop.abort()
    await recorder.close()
    await recorder.writer.close()
    refuse(
      `Pods may not be watched: ${neutralise(reason)}. Try one namespace with -n, or ask for get, list and watch on pods.`,
    )
  }
}

/** Bookmarks that end a list are written from the `synced` frame: a list by pages has none. */
function writeRaw(writer: RecordingWriter, event: RawEvent): void {
  const { t, resource, type, object, phase, heldUp } = event
  const known = LINE_TYPES.find((each) => each === type)
  if (known === undefined || !isObject(object) || endsList(known, object)) return
  writer.write({
    t,
    resource,
    type: known,
    object,
    ...(phase !== 'live' && known !== 'BOOKMARK' && { phase }),
    ...(heldUp !== undefined && { heldUp }),
  })
}

function endsList(type: LineType, object: Readonly<Record<string, unknown>>): boolean {
  const { metadata } = object
  const annotations = isObject(metadata) ? metadata['annotations'] : undefined
  return type === 'BOOKMARK' && isObject(annotations) && INITIAL_EVENTS_END in annotations
}

/** What the watch concludes and no object says: the end of a list, a gap, an object that a list no longer shows. */
function writeFrame(writer: RecordingWriter, frame: Frame): void {
  if (frame.kind === 'synced') {
    const object = { metadata: { annotations: { [INITIAL_EVENTS_END]: 'true' } } }
    writer.write({ t: frame.t, resource: frame.source, type: 'BOOKMARK', object })
  } else if (frame.kind === 'gap') {
    const object = { kind: 'Status', apiVersion: 'v1', status: 'Failure', message: frame.reason }
    writer.write({ t: frame.t, resource: frame.source, type: 'ERROR', object })
  } else if (frame.kind === 'deleted' && frame.synthetic) {
    writer.write({
      t: frame.t,
      resource: frame.source,
      type: 'DELETED',
      phase: 'relist',
      object: metadataOf(frame),
    })
  }
}

function metadataOf({
  record: { uid, name, namespace, resourceVersion },
}: ObjectFrame): Readonly<Record<string, unknown>> {
  return { metadata: { uid, name, ...(namespace !== '' && { namespace }), resourceVersion } }
}

async function flushing(clock: Clock, writer: RecordingWriter, until: AbortSignal): Promise<void> {
  while (!until.aborted) {
    await clock.sleep(FLUSH_MS, until)
    writer.flush()
  }
  await aborted(until)
}

async function finish(
  { terminal, clock, program }: Context,
  { writer, close }: Recorder,
  file: string,
  started: UnixNano,
): Promise<ExitCode> {
  await close()
  await writer.close().catch((error: Error) => {
    throw new CliError(EXIT.input, `The recording ${file} could not be written: ${error.message}.`)
  })
  const { frames, byResource } = writer.counts
  const kinds = [...byResource]
    .sort(([, a], [, b]) => b - a)
    .map(([resource, count]) => `${count} ${resource}`)
  const lasted = formatDuration((clock.now() - started) as DurationNano)
  terminal.say(
    `podspan: ${frames} frames in ${lasted} (${list(kinds)}). Try: ${program} replay ${file} --slowest 3`,
  )
  return EXIT.ok
}
