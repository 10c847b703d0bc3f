// Owns how the pulls of one node would have gone all at once, where the kubelet did them one after the other.
// Promises both ends: each as fast as it was alone, and all sharing one link that was full already. An image that another pod was
// pulling is not there before that pull is done. Does not know traces: parallel-pulls.ts makes pulls of them. Milliseconds.

export interface NodePull {
  readonly image: string
  readonly requested: number
  /** How long the runtime took once it was asked. */
  readonly work: number
  /** When it was done. */
  readonly ended: number
}

export interface Ended {
  /** When each would have been done, had none slowed another. */
  readonly alone: readonly number[]
  /** The same, had all that ran at a time shared what one had. */
  readonly shared: readonly number[]
}

export function pullAllAtOnce(pulls: readonly NodePull[]): Ended {
  return {
    alone: waitForSame(
      pulls,
      pulls.map(({ requested, work }) => requested + work),
    ),
    shared: waitForSame(pulls, shareLink(pulls)),
  }
}

/** Whoever began later and pulled the same image had only to find it there: it cannot be done before the first is. */
function waitForSame(pulls: readonly NodePull[], ends: readonly number[]): number[] {
  return pulls.map((pull, index) => {
    const mine = ends[index] ?? pull.ended
    const first = pulls.findIndex(
      (other) => other.image === pull.image && other !== pull && other.ended <= pull.ended - pull.work,
    )
    const theirs = pulls[first]
    if (theirs === undefined || theirs.ended < pull.requested) return mine
    return Math.max(mine, ends[first] ?? theirs.ended)
  })
}

/** All that are under way go on equally fast, and together as fast as one alone. */
function shareLink(pulls: readonly NodePull[]): number[] {
  // Beside the years since 1970 a double has no room for fractions of a microsecond.
  const begun = pulls.reduce((first, { requested }) => Math.min(first, requested), pulls[0]?.requested ?? 0)
  const near = pulls.map((pull) => ({ ...pull, requested: pull.requested - begun }))
  return shareFromZero(near).map((end) => end + begun)
}

function shareFromZero(pulls: readonly NodePull[]): number[] {
  const ends = pulls.map(() => 0)
  const left = pulls.map(({ work }) => work)
  const waiting = pulls.map((_, index) => index).sort((a, b) => requestedAt(pulls, b) - requestedAt(pulls, a))
  let running: number[] = []
  let now = 0
  while (waiting.length > 0 || running.length > 0) {
    const arrival = requestedAt(pulls, waiting.at(-1))
    if (running.length === 0) now = Math.max(now, arrival)
    while (requestedAt(pulls, waiting.at(-1)) <= now) running.push(waiting.pop() as number)
    const least = Math.min(...running.map((index) => left[index] ?? 0))
    const until = Math.min(requestedAt(pulls, waiting.at(-1)), now + least * running.length)
    for (const index of running) left[index] = (left[index] ?? 0) - (until - now) / running.length
    now = until
    for (const index of running) if (isDone(left[index])) ends[index] = now
    running = running.filter((index) => !isDone(left[index]))
  }
  return ends
}

const isDone = (left = 0): boolean => left <= 1e-6

const requestedAt = (pulls: readonly NodePull[], index: number | undefined): number =>
  index === undefined ? Number.POSITIVE_INFINITY : (pulls[index]?.requested ?? 0)
