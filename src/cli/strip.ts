// Owns the picture of a start in one line: a letter for what it was waiting for, cell by cell.
// Promises letters that are ASCII and each explained, and strips to one scale from the pod's creation.
// Does not choose which pods are shown.

import { add, durationNano, type DurationNano, type UnixNano } from '../base/time.ts'
import type { RolloutPod } from '../rollout/rollout.ts'
import { rootOf, type Span } from '../trace/trace.ts'
import { colourOf, type Paint } from './glyphs.ts'

export interface Letter {
  readonly letter: string
  readonly words: string
}

const LETTERS: Readonly<Record<string, Letter>> = {
  'wait at scheduling gate': { letter: 'g', words: 'gate' },
  schedule: { letter: 's', words: 'schedule' },
  'prepare pod and create sandbox': { letter: 'x', words: 'sandbox' },
  'prepare pod': { letter: 'x', words: 'sandbox' },
  'create sandbox': { letter: 'x', words: 'sandbox' },
  'mount volumes': { letter: 'v', words: 'volumes' },
  'attach volume': { letter: 'v', words: 'volumes' },
  'provision volume': { letter: 'v', words: 'volumes' },
  'provision node': { letter: 'n', words: 'new node' },
  'pull image': { letter: 'p', words: 'pull' },
  'wait for pull slot': { letter: 'q', words: 'wait for pull slot' },
  'transfer and unpack': { letter: 'p', words: 'pull' },
  'create container': { letter: 'c', words: 'container' },
  'start container': { letter: 'c', words: 'container' },
  'run init container': { letter: 'i', words: 'init container' },
  'post-start hook': { letter: 'h', words: 'hook' },
  'startup probe': { letter: 'r', words: 'probes' },
  readiness: { letter: 'r', words: 'probes' },
  'readiness gate': { letter: 'g', words: 'gate' },
  'report status': { letter: 'k', words: 'report' },
  'back-off': { letter: '!', words: 'back-off' },
  unaccounted: { letter: '?', words: 'unaccounted' },
}
const OTHER: Letter = { letter: 'o', words: 'other' }
const WAITING: Letter = { letter: '-', words: 'minReadySeconds' }
const WORK: Letter = { letter: '=', words: 'work' }
const UNTRACED: Letter = { letter: '.', words: 'not traced' }

export interface Strip {
  readonly text: string
  /** In cells, whatever colours are in the text. */
  readonly width: number
  readonly letters: ReadonlySet<Letter>
}

/** `whole` fills `cells`. */
export function drawStrip(
  pod: RolloutPod,
  end: UnixNano,
  whole: DurationNano,
  cells: number,
  paint: Paint,
): Strip {
  const until = pod.finished?.best ?? pod.available?.best ?? pod.ready?.best ?? end
  const count = Math.max(
    1,
    Math.round((Number(until - pod.created.best) / Math.max(1, Number(whole))) * cells),
  )
  const letters = new Set<Letter>()
  let text = ''
  for (let cell = 0; cell < Math.min(cells, count); cell++) {
    const at = add(pod.created.best, durationNano((whole * BigInt(2 * cell + 1)) / BigInt(2 * cells)))
    const { letter, span } = letterAt(pod, at)
    letters.add(letter)
    text += span ? paint(colourOf(span.actor), letter.letter) : letter.letter
  }
  return { text, width: Math.min(cells, count), letters }
}

function letterAt(pod: RolloutPod, at: UnixNano): { letter: Letter; span?: Span } {
  if (pod.ready && at >= pod.ready.best) return { letter: pod.finished ? WORK : WAITING }
  if (!pod.trace) return { letter: UNTRACED }
  const root = rootOf(pod.trace)
  const span = pod.trace.spans.find(
    (one) => one !== root && one.critical.some(({ from, to }) => from <= at && at < to),
  )
  return span ? { letter: LETTERS[span.name] ?? OTHER, span } : { letter: OTHER }
}

/** `s schedule  x sandbox  p pull`, in the order in which a start has them. */
export function explainLetters(used: ReadonlySet<Letter>): string {
  const order = [...Object.values(LETTERS), WAITING, WORK, UNTRACED, OTHER]
  const words = order.filter((one) => [...used].some(({ letter }) => letter === one.letter))
  return [...new Map(words.map(({ letter, words: said }) => [letter, `${letter} ${said}`])).values()].join(
    '  ',
  )
}
