// Owns the knowledge of when more than one pod kept a node's kubelet and runtime busy.
// Promises 512 bytes a node, for the last two minutes, and the same answer in whatever order events came. Does not say with what.

import { toNumber, type UnixNano } from '../base/time.ts'

/** By second of the node's clock modulo their number: which second, and which pod, or that there were several. */
export type NodeActivity = Uint32Array

const SECONDS = 128
const POD_BITS = 12
const SEVERAL = (1 << POD_BITS) - 1
/** Twelve days of seconds. */
const SECOND_MASK = (1 << 20) - 1
const NS = 1e9

export const emptyActivity = (): NodeActivity => new Uint32Array(SECONDS)

/** The kubelet recorded something of this pod then, by the node's clock. */
export function noteActivity(activity: NodeActivity, uid: string, at: UnixNano): void {
  const second = secondOf(at)
  const known = activity[second % SECONDS] ?? 0
  const knownSecond = known >>> POD_BITS
  const pod = podOf(uid)
  if (known === 0 || isLater(second, knownSecond)) activity[second % SECONDS] = entry(second, pod)
  else if (second === knownSecond && (known & SEVERAL) !== pod)
    activity[second % SECONDS] = entry(second, SEVERAL)
}

/** Whether the kubelet recorded something of another pod within a second or two. */
export function isBusyBeside(activity: NodeActivity, uid: string, at: UnixNano): boolean {
  const second = secondOf(at)
  for (const near of [second - 1, second, second + 1]) {
    const known = activity[near % SECONDS] ?? 0
    if (known !== 0 && known >>> POD_BITS === near && (known & SEVERAL) !== podOf(uid)) return true
  }
  return false
}

const secondOf = (at: UnixNano): number => Math.floor(toNumber(at) / NS) & SECOND_MASK

/** Half of the range is ahead, half behind. */
const isLater = (second: number, than: number): boolean =>
  second !== than && ((second - than) & SECOND_MASK) < SECOND_MASK / 2

const entry = (second: number, pod: number): number => ((second << POD_BITS) | pod) >>> 0

/** One in four thousand pods is taken for another. */
const podOf = (uid: string): number => (Number.parseInt(uid.slice(-3), 16) || 0) % SEVERAL
