// Owns saying a trouble once: the first time, and again only after it has been quiet for a while.
// Promises constant messages with the values in fields, and that what was left unsaid is counted in the next one.
// Does not decide what is a trouble, and writes nowhere itself: `log` is a parameter.

import type { Clock } from '../base/clock.ts'

export type LogFields = Readonly<Record<string, string | number>>

/** Where lines for people go; the message is constant, what varies is in the fields. */
export type Log = (level: 'info' | 'warn', message: string, fields: LogFields) => void

export interface Episodes {
  say(message: string, fields: LogFields): void
  /** The trouble is over: returns for how long it was there, or undefined where it was not. */
  end(message: string): number | undefined
}

/** An episode is over when nothing of its kind happened for this long. */
const QUIET_MS = 60_000

export function createEpisodes(clock: Clock, log: Log): Episodes {
  const open = new Map<string, { sinceMs: number; lastMs: number; unsaid: number }>()
  return {
    say: (message, fields) => {
      const now = clock.monotonicMs()
      const episode = open.get(message)
      if (episode && now - episode.lastMs < QUIET_MS) {
        episode.lastMs = now
        episode.unsaid++
        return
      }
      log('warn', message, episode?.unsaid ? { ...fields, unsaid: episode.unsaid } : fields)
      open.set(message, { sinceMs: now, lastMs: now, unsaid: 0 })
    },
    end: (message) => {
      const episode = open.get(message)
      open.delete(message)
      return episode && clock.monotonicMs() - episode.sinceMs
    },
  }
}
