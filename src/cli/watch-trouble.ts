// Owns what is said of a watch that does not go smoothly, in words for people.
// Promises what happened, to which stream, and what comes of it; undefined for what concerns nobody at a terminal.
// Does not watch, and does not count: once a kind is the reflector's own rule.

import { neutralise } from './text.ts'

export type LogFields = Readonly<Record<string, unknown>>

export function troubleWords(message: string, fields: LogFields): string | undefined {
  const stream = textOf(fields['stream'])
  switch (message) {
    case 'request failed':
      return failureWords(stream, textOf(fields['kind']), textOf(fields['message']))
    case 'relisting':
      return `${stream} are listed anew (${textOf(fields['reason'])}): starts of the time in between may be coarser.`
    case 'WatchList refused, listing by pages':
      return undefined
    case 'undecodable':
      return `one of ${stream} cannot be read (${textOf(fields['what'])} at ${textOf(fields['where'])}).`
    default:
      return `${message} ${neutralise(JSON.stringify(fields), 300)}`
  }
}

function failureWords(stream: string, kind: string, why: string): string | undefined {
  // What may not be seen is said with its cost by who waits for the streams.
  if (kind === 'forbidden' || kind === 'not-found') return undefined
  if (kind === 'expired') return undefined
  if (kind === 'unauthorized')
    return `the cluster no longer accepts these credentials for ${stream} (${why}): log in again; it is tried again.`
  return `the watch of ${stream} is interrupted (${why}); it is tried again.`
}

const textOf = (value: unknown): string => (typeof value === 'string' ? neutralise(value, 200) : '')
