// Owns how a rule of a TraceSession is written down: once as CEL for the API server, once as a function for everybody else.
// Promises that both stand side by side with the one message that either gives. Does not hold the rules: schema.ts does.

import type { z } from 'zod'
import type { DurationNano } from '../base/time.ts'
import { DURATION_LENGTH_MAX, DURATION_PATTERN, parseDuration } from './duration.ts'

export interface Rule<T> {
  /** Absent where the API server finds it in another way. */
  readonly cel?: string
  /** Says what to write, not only what is wrong. */
  readonly message: string
  /** Absent for a rule about a change, which only the API server sees. */
  readonly holds?: (value: T) => boolean
  /** The field the message belongs to, where the rule stands on a whole object. */
  readonly field?: string
}

/** What the generator of the CRD reads: `x-kubernetes-validations` as the API server takes it. */
export interface Validation {
  readonly rule: string
  readonly message: string
  readonly fieldPath?: string
}

export const VALIDATIONS = 'x-kubernetes-validations'

/** The schema with a description and rules, for zod and for the CRD. */
export function ruled<S extends z.ZodType>(
  schema: S,
  description: string,
  rules: readonly Rule<z.output<S>>[],
): S {
  const checked = rules.reduce<S>(
    (each, { holds, message, field }) =>
      holds === undefined
        ? each
        : each.refine((value) => holds(value as z.output<S>), {
            message,
            ...(field === undefined ? {} : { path: field.split('.') }),
          }),
    schema,
  )
  return checked.meta({
    description,
    [VALIDATIONS]: rules.flatMap(validationOf),
  })
}

const validationOf = <T>({ cel, message, field }: Rule<T>): Validation[] =>
  cel === undefined
    ? []
    : [{ rule: cel, message, ...(field === undefined ? {} : { fieldPath: `.${field}` }) }]

const isDuration = `self.matches('${DURATION_PATTERN}')`

export interface DurationBounds {
  /** Excluded; absent where `0s` is allowed. */
  readonly over?: string
  readonly atLeast?: string
  readonly atMost: string
}

/** The rules of one duration field. A text that is none breaks the first rule only. */
export function durationRules({ over, atLeast, atMost }: DurationBounds): Rule<string>[] {
  const bound = (sign: '>' | '>=' | '<=', limit: string, message: string): Rule<string> => ({
    cel: `!${isDuration} || duration(self) ${sign} duration('${limit}')`,
    message,
    holds: (text) => compare(parseDuration(text), sign, parseDuration(limit)),
  })
  return [
    {
      cel: isDuration,
      message:
        'write hours, minutes and seconds, such as 24h, 1h30m or 30s; days (1d = 24h) are not understood',
      holds: (text) => parseDuration(text) !== undefined || text.length > DURATION_LENGTH_MAX,
    },
    ...(over === undefined ? [] : [bound('>', over, `must be longer than ${over}`)]),
    ...(atLeast === undefined ? [] : [bound('>=', atLeast, `must be at least ${atLeast}`)]),
    bound('<=', atMost, `must be at most ${atMost}`),
  ]
}

function compare(
  value: DurationNano | undefined,
  sign: '>' | '>=' | '<=',
  limit: DurationNano | undefined,
): boolean {
  if (value === undefined || limit === undefined) return true
  return sign === '>' ? value > limit : sign === '>=' ? value >= limit : value <= limit
}
