// Owns what each kind of work cost on the critical path, for the verdict.
// Promises that only what is one thing is added up: attempts at the same thing, waits after the same trouble, and one kind of work for several.
// Does not put it in words: verdict.ts does.

import { type DurationNano, durationNano, ZERO } from '../base/time.ts'
import type { Operation, OperationName } from '../operations/operation.ts'
import type { CriticalPath } from './critical-path.ts'

/** What an operation cost, with what it waited for. */
export interface Cost {
  readonly operation: Operation
  readonly total: DurationNano
}

/** One kind of work for several containers, images or volumes; `total` is of all of them, `ofMain` of the one that took longest. */
export interface Sum extends Cost {
  readonly count: number
  readonly ofMain: DurationNano
}

/** Attempts at one thing; most things take one. */
interface Share {
  readonly first: Operation
  readonly ofFirst: DurationNano
  others: Cost[] | undefined
  total: DurationNano
  /** The same was done for something else before. */
  readonly hasLike: boolean
}

/** What others do while an operation waits for them is named for itself, not as a part of what waits. */
export const NAMED: ReadonlySet<OperationName> = new Set([
  'provision volume',
  'attach volume',
  'mount volumes',
])

/** What the start waited for longest. Of several attempts at it one stands for all, so that what is said of it is true of most of the time. */
export function longestOf(root: Operation, path: CriticalPath): Sum | undefined {
  const shares: Share[] = []
  for (const child of root.children) {
    addShare(shares, child, path)
    addNamedBelow(shares, child, path)
  }
  let longest: Share | undefined
  for (const share of shares) if (!longest || share.total > longest.total) longest = share
  if (!longest) return undefined
  const sum = longestSum(shares)
  if (sum && sum.total > longest.total) return sum
  return { operation: mainAttempt(longest), total: longest.total, count: 1, ofMain: longest.total }
}

/** What a pod may have to do for each of several things, of which each may be short. */
const FOR_EACH: ReadonlySet<OperationName> = new Set([
  'pull image',
  'provision volume',
  'attach volume',
  'create container',
  'start container',
  'run init container',
  'post-start hook',
  'startup probe',
  'readiness',
])

/** From this share on one thing is named alone. */
const MOST = 0.9

/** Of work that was done for several things. */
function longestSum(shares: readonly Share[]): Sum | undefined {
  if (!shares.some(({ hasLike }) => hasLike)) return undefined
  let longest: Sum | undefined
  for (const name of FOR_EACH) {
    const each = shares.filter(({ first }) => first.name === name)
    const sum = each.length < 2 ? undefined : sumOf(name === 'pull image' ? byImage(each) : each)
    if (sum && (!longest || sum.total > longest.total)) longest = sum
  }
  return longest
}

function sumOf(shares: readonly Share[]): Sum {
  const main = shares.reduce((a, b) => (b.total > a.total ? b : a))
  const total = durationNano(shares.reduce((sum: bigint, one) => sum + one.total, 0n))
  if (Number(main.total) < Number(total) * MOST)
    return { operation: mainAttempt(main), total, count: shares.length, ofMain: main.total }
  return { operation: mainAttempt(main), total: main.total, count: 1, ofMain: main.total }
}

/** Containers may share an image. */
function byImage(shares: readonly Share[]): Share[] {
  const images = new Map<string | undefined, Share>()
  for (const share of shares) {
    const { first, ofFirst, others = [], total } = share
    const known = images.get(first.subject)
    if (!known) images.set(first.subject, { ...share })
    else {
      known.others = [...(known.others ?? []), { operation: first, total: ofFirst }, ...others]
      known.total = durationNano(known.total + total)
    }
  }
  return [...images.values()]
}

function addNamedBelow(shares: Share[], { children }: Operation, path: CriticalPath): void {
  for (const child of children) {
    if (NAMED.has(child.name)) addShare(shares, child, path)
    addNamedBelow(shares, child, path)
  }
}

function addShare(shares: Share[], operation: Operation, path: CriticalPath): void {
  const total = sumPath(operation, path)
  if (total <= ZERO) return
  let hasLike = false
  for (const known of shares) {
    if (known.first.name !== operation.name) continue
    if (isSame(known.first, operation)) {
      known.others = [...(known.others ?? []), { operation, total }]
      known.total = durationNano(known.total + total)
      return
    }
    hasLike = true
  }
  shares.push({ first: operation, ofFirst: total, others: undefined, total, hasLike })
}

const AFTER = 'podspan.backoff.after'

/** Whether both, of one name, are attempts at one thing. What is of no container is told apart by its subject: a gap by its neighbours, an image by its name. */
const isSame = (a: Operation, b: Operation): boolean =>
  a.container === b.container &&
  a.attributes[AFTER] === b.attributes[AFTER] &&
  (a.container !== undefined || a.subject === b.subject)

/** The longest of those that failed, or of those that did not: whichever took more together. */
function mainAttempt({ first, ofFirst, others, total }: Share): Operation {
  if (!others) return first
  const attempts: Cost[] = [{ operation: first, total: ofFirst }, ...others]
  const failed = attempts.filter(({ operation: { error } }) => error !== undefined)
  const isMostlyFailed = failed.reduce((sum: bigint, one) => sum + one.total, 0n) * 2n > total
  const main = isMostlyFailed ? failed : attempts.filter((one) => !failed.includes(one))
  return main.reduce((a, b) => (b.total > a.total ? b : a)).operation
}

/** What others did while the scheduler waited. */
const WAITED_FOR: ReadonlySet<OperationName> = new Set([
  'provision node',
  'preempt',
  'wait for claim',
  'allocate devices',
  'prepare devices',
  'wait in queue',
])

/** Of what an operation did itself and what it waited for, the longest. */
export function mainPart({ operation, total }: Cost, path: CriticalPath): Cost {
  const parts = operation.children
    .filter(({ name }) => WAITED_FOR.has(name))
    .map((part): Cost => ({ operation: part, total: sumPath(part, path) }))
  const own = durationNano(parts.reduce((left: bigint, part) => left - part.total, total))
  return parts.reduce((a, b) => (b.total > a.total ? b : a), { operation, total: own })
}

function sumPath(operation: Operation, path: CriticalPath): DurationNano {
  let total = 0n
  for (const { from, to } of path.get(operation) ?? []) total += to - from
  for (const child of operation.children) if (!NAMED.has(child.name)) total += sumPath(child, path)
  return durationNano(total)
}
