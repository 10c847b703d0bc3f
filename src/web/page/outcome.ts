// Owns how an outcome is shown: a sign and a word, never a colour alone.
// Promises one look for starts, rollouts and sessions. Does not judge.

import { h } from './dom.ts'

/** The sign, and whether it is good news. */
const LOOKS: Readonly<Record<string, readonly [sign: string, look: string]>> = {
  ready: ['✓', 'good'],
  completed: ['✓', 'good'],
  complete: ['✓', 'good'],
  Passed: ['✓', 'good'],
  starting: ['○', 'open'],
  rolling: ['○', 'open'],
  Running: ['○', 'open'],
  Pending: ['○', 'open'],
  unstable: ['!', 'bad'],
  failed: ['✕', 'bad'],
  timeout: ['✕', 'bad'],
  Failed: ['✕', 'bad'],
  Error: ['✕', 'bad'],
  deleted: ['–', 'soft'],
  superseded: ['–', 'soft'],
  Inconclusive: ['?', 'soft'],
}

export function outcomeBadge(outcome: string): HTMLElement {
  const [sign, look] = LOOKS[outcome] ?? ['?', 'soft']
  return h(
    'span',
    { class: `outcome o-${look}` },
    h('span', { class: 'sign', 'aria-hidden': 'true' }, sign),
    outcome,
  )
}

export const isBad = (outcome: string): boolean => LOOKS[outcome]?.[1] === 'bad'
