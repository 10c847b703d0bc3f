import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Environment, openTerminal, type Stream } from '../../src/cli/terminal.ts'

interface Fake extends Stream {
  written: string
  fail(code: string): void
}

function stream(some: Partial<Stream> = {}): Fake {
  let listener: ((error: NodeJS.ErrnoException) => void) | undefined
  return {
    written: '',
    write(text, done) {
      this.written += text
      done()
      return true
    },
    on: (_, each) => {
      listener = each
    },
    fail: (code) => listener?.(Object.assign(new Error(code), { code })),
    ...some,
  }
}

const LOOKS: readonly {
  readonly name: string
  readonly tty: Partial<Stream>
  readonly env: Environment
  readonly then: string
}[] = [
  { name: 'a pipe', tty: {}, env: {}, then: '100 plain unicode' },
  { name: 'a terminal', tty: { isTTY: true, columns: 132 }, env: {}, then: '132 colour unicode' },
  { name: 'a terminal without a size', tty: { isTTY: true }, env: {}, then: '80 colour unicode' },
  { name: 'NO_COLOR', tty: { isTTY: true, columns: 80 }, env: { NO_COLOR: '1' }, then: '80 plain unicode' },
  {
    name: 'an empty NO_COLOR',
    tty: { isTTY: true, columns: 80 },
    env: { NO_COLOR: '' },
    then: '80 colour unicode',
  },
  {
    name: 'a dumb terminal',
    tty: { isTTY: true, columns: 80 },
    env: { TERM: 'dumb' },
    then: '80 plain unicode',
  },
  { name: 'FORCE_COLOR into a pipe', tty: {}, env: { FORCE_COLOR: '1' }, then: '100 colour unicode' },
  { name: 'FORCE_COLOR=0', tty: {}, env: { FORCE_COLOR: '0' }, then: '100 plain unicode' },
  { name: 'a UTF-8 locale', tty: {}, env: { LANG: 'de_DE.UTF-8' }, then: '100 plain unicode' },
  { name: 'the C locale', tty: {}, env: { LANG: 'de_DE.UTF-8', LC_ALL: 'C' }, then: '100 plain ascii' },
]

for (const { name, tty, env, then } of LOOKS) {
  test(`with ${name} the picture is ${then}`, () => {
    const { width, colour, ascii } = openTerminal(stream(tty), stream(), env, () => {}).look()
    assert.equal(`${width} ${colour ? 'colour' : 'plain'} ${ascii ? 'ascii' : 'unicode'}`, then)
  })
}

test('the command line is stronger than the surroundings', () => {
  const terminal = openTerminal(stream({ isTTY: true, columns: 80 }), stream(), {}, () => {})
  terminal.prefer({ ascii: true })
  terminal.prefer({ width: 60 })
  assert.deepEqual(terminal.look(), { width: 60, colour: true, ascii: true })
})

test('a reader that went away is told once, and nothing more is written to it', async () => {
  const out = stream()
  let told = 0
  const terminal = openTerminal(out, stream(), {}, () => told++)
  await terminal.print('a')
  out.fail('EPIPE')
  out.fail('EPIPE')
  await terminal.print('b')
  assert.deepEqual([told, out.written, terminal.open], [1, 'a', false])
})

test('another error of stdout is said once and ends the program, which has failed', () => {
  const [out, err] = [stream(), stream()]
  let told = 0
  const terminal = openTerminal(out, err, {}, () => told++)
  out.fail('ENOSPC')
  out.fail('ENOSPC')
  assert.deepEqual([told, terminal.open, terminal.failed], [1, false, true])
  assert.equal(err.written, 'podspan: The output cannot be written: ENOSPC.\n')
})

test('results and talk go to their own streams', async () => {
  const [out, err] = [stream(), stream()]
  const terminal = openTerminal(out, err, {}, () => {})
  await terminal.print('result\n')
  terminal.say('talk')
  assert.deepEqual([out.written, err.written], ['result\n', 'talk\n'])
})
