// Owns where output goes and how it may look: results to stdout, talk to stderr, width, colour, alphabet.
// Promises that a reader which goes away (EPIPE) ends the program quietly, that a slow one is waited for, and that output which
// cannot be written is said.
// Does not read the environment: main.ts hands it in.

import { toAscii } from './glyphs.ts'
import { createLiveArea } from './live-area.ts'
import type { Look } from './waterfall.ts'

export type Environment = Readonly<Record<string, string | undefined>>

/** What is used of a process stream. */
export interface Stream {
  readonly isTTY?: boolean
  readonly columns?: number
  readonly rows?: number
  write(text: string, done: (error?: Error | null) => void): boolean
  on(event: 'error', listener: (error: NodeJS.ErrnoException) => void): unknown
}

export interface Terminal {
  /** A result, to stdout; resolves when it was taken. */
  print(text: string): Promise<void>
  /** Talk, to stderr, in the alphabet that the terminal has. */
  say(sentence: string): void
  /** Lines that stay below whatever is printed and said, replaced each time; only where `interactive`. */
  footer(lines: readonly string[]): void
  /** True where stdout shows a picture that may be redrawn. */
  readonly interactive: boolean
  /** False once nobody reads stdout any more. */
  readonly open: boolean
  /** True where results could not be written, such as to a full disk. */
  readonly failed: boolean
  /** The height of the window, where there is one. */
  readonly rows: number | undefined
  /** Asked each time: a window may change its size. */
  look(): Look
  /** What the command line says is stronger than what the surroundings say. */
  prefer(options: LookOptions): void
}

/** Where stdout is no terminal: wide enough for a log, narrow enough for a screen that shows it. */
const WIDTH_OF_A_LOG = 100

export interface LookOptions {
  readonly ascii?: boolean
  readonly width?: number
}

export function openTerminal(
  stdout: Stream,
  stderr: Stream,
  env: Environment,
  onClosed: () => void,
): Terminal {
  const state: { open: boolean; failed: boolean; preferred: LookOptions } = {
    open: true,
    failed: false,
    preferred: {},
  }
  const closed = (error: NodeJS.ErrnoException): void => {
    if (!state.open) return
    state.open = false
    state.failed = error.code !== 'EPIPE' && error.code !== 'ERR_STREAM_DESTROYED'
    if (state.failed) stderr.write(`podspan: The output cannot be written: ${error.message}.\n`, () => {})
    onClosed()
  }
  stdout.on('error', closed)
  stderr.on('error', () => {})
  const area = createLiveArea(
    (text) => new Promise((resolve) => void (state.open ? stdout.write(text, () => resolve()) : resolve())),
    () => stdout.columns ?? 80,
  )
  const isAscii = (): boolean => state.preferred.ascii ?? speaksAsciiOnly(env)
  const spoken = (text: string): string => (isAscii() ? toAscii(text) : text)
  return {
    print: area.print,
    say: (sentence) => area.aside(() => void stderr.write(`${spoken(sentence)}\n`, () => {})),
    footer: (lines) => area.draw(lines.map(spoken)),
    interactive: stdout.isTTY === true && env['TERM'] !== 'dumb',
    get rows() {
      return stdout.rows
    },
    get open() {
      return state.open
    },
    get failed() {
      return state.failed
    },
    look: () => ({
      width: state.preferred.width ?? (stdout.isTTY ? (stdout.columns ?? 80) : WIDTH_OF_A_LOG),
      colour: wantsColour(stdout, env),
      ascii: isAscii(),
    }),
    prefer: (options) => {
      state.preferred = { ...state.preferred, ...options }
    },
  }
}

/** https://no-color.org and its opposite, then whether anybody could see it. */
function wantsColour(stdout: Stream, env: Environment): boolean {
  if (env['NO_COLOR']) return false
  if (env['FORCE_COLOR'] && env['FORCE_COLOR'] !== '0') return true
  return stdout.isTTY === true && env['TERM'] !== 'dumb'
}

/** A locale that is set and not UTF-8; an unset one is what containers have, and their logs are UTF-8. */
function speaksAsciiOnly(env: Environment): boolean {
  const locale = env['LC_ALL'] || env['LC_CTYPE'] || env['LANG'] || ''
  return locale !== '' && !/utf-?8/i.test(locale)
}
