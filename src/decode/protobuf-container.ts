// Owns the decoding of a container's spec, and the sharing of specs between pods and between a pod's versions.
// Promises that literal environment values, arguments and commands are skipped unread.
// Each case is a tag: field number × 8 + wire type. Numbers: kubernetes/api core/v1/generated.proto.

import type { ContainerSpec, ProbeSpec } from '../base/record.ts'
import { hashOf } from './compare.ts'
import { readQuantityEntry } from './protobuf-meta.ts'
import type { Mutable } from './result.ts'
import { type Cursor, enter, leave, nextSet, present, readInt, readShared, readTag, skip } from './wire.ts'

/**
 * A container's bytes without its mounts. The mount of the service account's token has another name in every pod, so that otherwise
 * no two pods of a Deployment would have the same container.
 */
interface Known {
  readonly spec: ContainerSpec
  /** Bytes before the first mount, and after the last. */
  readonly head: number
  readonly tail: number
  /** Both, one after the other. */
  readonly bytes: Buffer
}

const SLOT_BITS = 9
/** Of head and tail together. Longer ones are read each time. */
const LONGEST = 8192
const known: (Known | undefined)[] = Array.from({ length: 1 << SLOT_BITS }, () => undefined)

const NAME = 10
const IMAGE = 18
/** volumeMounts = 9 */
const MOUNTS = 74

export function readContainer(c: Cursor): ContainerSpec {
  const outer = enter(c)
  const slot = slotOf(c)
  const spec = recallContainer(c, slot) ?? readNewContainer(c, slot)
  leave(c, outer)
  return spec
}

/** From name, image and the whole length: environments that differ do so in length too, as a rule, and tokens' mounts never. */
function slotOf(c: Cursor): number {
  const start = c.at
  if (c.at < c.end && c.bytes[c.at] === NAME) skip(c, readTag(c))
  if (c.at < c.end && c.bytes[c.at] === IMAGE) skip(c, readTag(c))
  const hash = hashOf(c.view, start, c.at - start) ^ Math.imul(c.end - start, 0x9e3779b1)
  c.at = start
  return hash >>> (32 - SLOT_BITS)
}

function recallContainer(c: Cursor, slot: number): ContainerSpec | undefined {
  const candidate = known[slot]
  if (!candidate) return undefined
  const { spec, head, tail, bytes } = candidate
  const start = c.at
  if (c.end - start < head + tail || !holds(c, bytes, 0, head)) return undefined
  c.at += head
  while (c.at < c.end && c.bytes[c.at] === MOUNTS) skip(c, readTag(c))
  if (c.end - c.at === tail && holds(c, bytes, head, tail)) return spec
  c.at = start
  return undefined
}

/** Whether the next bytes are those of the copy. */
function holds(c: Cursor, bytes: Buffer, from: number, length: number): boolean {
  return length === 0 || c.bytes.compare(bytes, from, from + length, c.at, c.at + length) === 0
}

/** Frozen: whoever changed it would change it in every record. */
function keep(c: Cursor, slot: number, start: number, mounts: Mounts, spec: ContainerSpec): void {
  const { from, to } = mounts.from < 0 ? { from: c.end, to: c.end } : mounts
  const [head, tail] = [from - start, c.end - to]
  if (!mounts.together || head + tail > LONGEST) return
  const bytes = Buffer.allocUnsafeSlow(head + tail)
  c.bytes.copy(bytes, 0, start, from)
  c.bytes.copy(bytes, head, to, c.end)
  known[slot] = { spec: Object.freeze(spec), head, tail, bytes }
}

/** Where the mounts lie, and whether nothing lies between them. */
interface Mounts {
  from: number
  to: number
  together: boolean
}

function skipMount(c: Cursor, mounts: Mounts, tagAt: number): void {
  skip(c, MOUNTS)
  if (mounts.from < 0) mounts.from = tagAt
  else if (mounts.to !== tagAt) mounts.together = false
  mounts.to = c.at
}

/** command = 3, args = 4 and env = 7 are among the skipped. */
function readNewContainer(c: Cursor, slot: number): ContainerSpec {
  const start = c.at
  const mounts: Mounts = { from: -1, to: -1, together: true }
  const container: Mutable<ContainerSpec> = { name: '', image: '' }
  while (c.at < c.end) {
    const tagAt = c.at
    const tag = readTag(c)
    switch (tag) {
      case NAME: // 1
        container.name = readShared(c)
        break
      case IMAGE: // 2
        container.image = readShared(c)
        break
      case 66: // resources = 8
        readRequests(c, container)
        break
      case MOUNTS:
        skipMount(c, mounts, tagAt)
        break
      case 82: // livenessProbe = 10
        container.livenessProbe = readProbe(c)
        break
      case 90: // readinessProbe = 11
        container.readinessProbe = readProbe(c)
        break
      case 98: // lifecycle = 12
        readLifecycle(c, container)
        break
      case 114: // imagePullPolicy = 14
        if (present(c)) container.imagePullPolicy = readShared(c)
        break
      case 178: // startupProbe = 22
        container.startupProbe = readProbe(c)
        break
      case 194: // restartPolicy = 24
        if (present(c)) container.restartPolicy = readShared(c)
        break
      default:
        skip(c, tag)
    }
  }
  keep(c, slot, start, mounts, container)
  return container
}

/** ResourceRequirements: requests = 2. */
function readRequests(c: Cursor, container: Mutable<ContainerSpec>): void {
  const outer = enter(c)
  let requests: Record<string, string> | undefined
  while (c.at < c.end) {
    const tag = readTag(c)
    if (tag === 18) {
      requests = requests ?? {}
      readQuantityEntry(c, requests)
    } else skip(c, tag)
  }
  leave(c, outer)
  if (requests) container.requests = requests
}

/** Lifecycle: postStart = 1. */
function readLifecycle(c: Cursor, container: Mutable<ContainerSpec>): void {
  const outer = enter(c)
  while (c.at < c.end) {
    const tag = readTag(c)
    if (tag === 10) container.postStart = true
    skip(c, tag)
  }
  leave(c, outer)
}

function readProbe(c: Cursor): ProbeSpec {
  const outer = enter(c)
  const probe: Mutable<ProbeSpec> = {}
  for (let tag = nextSet(c); tag !== 0; tag = nextSet(c)) {
    if (tag === 16) probe.initialDelaySeconds = readInt(c)
    else if (tag === 24) probe.timeoutSeconds = readInt(c)
    else if (tag === 32) probe.periodSeconds = readInt(c)
    else if (tag === 40) probe.successThreshold = readInt(c)
    else if (tag === 48) probe.failureThreshold = readInt(c)
    else skip(c, tag)
  }
  leave(c, outer)
  return probe
}
