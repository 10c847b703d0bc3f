// Owns the operator's log: JSON lines by pino, one per thing worth waking for.
// Promises constant messages with what varies in fields, and that a trouble which repeats is said again once a minute at most, with a count.
// Does not decide what is worth a line.

import type { Writable } from 'node:stream'
import pino from 'pino'
import type { Clock } from '../base/clock.ts'
import { formatRfc3339 } from '../base/time.ts'

export type Fields = Readonly<Record<string, unknown>>

export interface Log {
  debug(message: string, fields?: Fields): void
  info(message: string, fields?: Fields): void
  warn(message: string, fields?: Fields): void
  error(message: string, fields?: Fields): void
}

export interface LogOptions {
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  readonly clock: Clock
  readonly out: Pick<Writable, 'write'>
  /** On every line, such as the pod. */
  readonly base?: Fields
}

/** A message that came again within this long is counted, not said. */
const QUIET_MS = 60_000

export function createLog({ level, clock, out, base = {} }: LogOptions): Log {
  const logger = pino(
    {
      level,
      base,
      messageKey: 'message',
      timestamp: () => `,"time":"${formatRfc3339(clock.now(), 3)}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    { write: (line: string) => void out.write(line) },
  )
  const said = new Map<string, { atMs: number; unsaid: number }>()
  const troubled = (
    write: (fields: Fields, message: string) => void,
    message: string,
    fields: Fields,
  ): void => {
    const now = clock.monotonicMs()
    const last = said.get(message)
    if (last && now - last.atMs < QUIET_MS) {
      last.unsaid += 1
      return
    }
    said.set(message, { atMs: now, unsaid: 0 })
    write(last && last.unsaid > 0 ? { ...fields, unsaid: last.unsaid } : fields, message)
  }
  return {
    debug: (message, fields = {}) => logger.debug(withReason(fields), message),
    info: (message, fields = {}) => logger.info(withReason(fields), message),
    warn: (message, fields = {}) => troubled((f, m) => logger.warn(f, m), message, withReason(fields)),
    error: (message, fields = {}) => troubled((f, m) => logger.error(f, m), message, withReason(fields)),
  }
}

/** A failure has a message of its own, and a line may have the key once. */
function withReason({ message, ...fields }: Fields): Fields {
  return message === undefined ? fields : { reason: message, ...fields }
}
