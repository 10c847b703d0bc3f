// Owns work that may wait until the sockets have been read: redacting and writing what a watch showed.
// Promises that tasks run in the order in which they came, and all of them before `drain` returns.
// Does not bound itself: the writer's back-pressure closes the watches' valve.

/** Tasks run per turn of the event loop; between turns, frames that have arrived are stamped. */
const PER_TURN = 50

export interface Deferred {
  later(task: () => void): void
  /** Runs what is left, now. */
  drain(): void
}

export function createDeferred(): Deferred {
  let tasks: (() => void)[] = []
  let done = 0
  let scheduled = false
  const run = (until: number): void => {
    while (done < Math.min(until, tasks.length)) tasks[done++]?.()
    if (done < tasks.length) return
    tasks = []
    done = 0
  }
  const turn = (): void => {
    scheduled = false
    run(done + PER_TURN)
    schedule()
  }
  const schedule = (): void => {
    if (scheduled || tasks.length === 0) return
    scheduled = true
    setImmediate(turn)
  }
  return {
    later: (task) => {
      tasks.push(task)
      schedule()
    },
    drain: () => run(Number.POSITIVE_INFINITY),
  }
}
