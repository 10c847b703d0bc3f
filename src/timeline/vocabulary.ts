// Owns the words that the facts of thousands of pods have in common: what happened to which container, which field of which source.
// Promises that a word's number means the same for as long as the vocabulary lives, and a bound: beyond it there are no new numbers,
// and whoever asks spells the word out. Does not forget.

import type { StampSource } from '../base/stamp.ts'
import type { What } from '../observe/observation.ts'

/** A fact of a pod's object; of an event, `key` is empty. */
export type FactWord = readonly [what: What, container: string, key: string]
/** `clock` is `node` for the clock of the node that the frame is about. */
export type StampWord = readonly [source: StampSource, clock: string, field: string]

/** Numbers for triples of text. */
interface Words<T extends readonly [string, string, string]> {
  readonly byText: Map<string, Map<string, Map<string, number>>>
  readonly byNumber: T[]
}

export interface Vocabulary {
  readonly facts: Words<FactWord>
  readonly stamps: Words<StampWord>
  readonly nodes: { readonly byText: Map<string, number>; readonly byNumber: string[] }
}

/** 14 bits, as a row has for them: a thousand names of containers with all that may happen to one. About 3 MB when full. */
export const WORDS_MAX = 16_384
/** Where there is no number for a word any more. */
export const SPELLED = -1

export const emptyVocabulary = (): Vocabulary => ({
  facts: { byText: new Map(), byNumber: [] },
  stamps: { byText: new Map(), byNumber: [] },
  nodes: { byText: new Map(), byNumber: [] },
})

/** The number of a word, or `SPELLED`. */
export function numberOf<T extends readonly [string, string, string]>(words: Words<T>, word: T): number {
  const [first, second, third] = word
  let seconds = words.byText.get(first)
  if (!seconds) words.byText.set(first, (seconds = new Map()))
  let thirds = seconds.get(second)
  if (!thirds) {
    if (words.byNumber.length >= WORDS_MAX) return SPELLED
    seconds.set(second, (thirds = new Map()))
  }
  const known = thirds.get(third)
  if (known !== undefined) return known
  if (words.byNumber.length >= WORDS_MAX) return SPELLED
  thirds.set(third, words.byNumber.length)
  return words.byNumber.push(word) - 1
}

export function nodeNumberOf({ nodes }: Vocabulary, name: string): number {
  const known = nodes.byText.get(name)
  if (known !== undefined) return known
  if (nodes.byNumber.length >= WORDS_MAX) return SPELLED
  nodes.byText.set(name, nodes.byNumber.length)
  return nodes.byNumber.push(name) - 1
}
