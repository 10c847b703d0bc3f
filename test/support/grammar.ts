// Owns what a Lezer grammar says of a text that is not of its language. Promises one sentence for each place. Does not know any language.

import type { LRParser } from '@lezer/lr'

export function syntaxErrors(parser: LRParser, text: string, language: string): string[] {
  const errors: string[] = []
  parser.parse(text).iterate({
    enter: ({ type, from }) => {
      const around = text.slice(Math.max(0, from - 30), from + 30)
      if (type.isError) errors.push(`not ${language} at ${from}: ${around}`)
    },
  })
  return errors
}
