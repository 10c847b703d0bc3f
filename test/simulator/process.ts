// Owns the simulator's process as its parent sees it: each command a promise, the ledger's lines as they come.
// Promises that the process ends when it is disposed of, and that a command fails with the simulator's own words.
// Does not know what the commands do: main.ts does.

import { type ChildProcess, fork } from 'node:child_process'
import { join } from 'node:path'
import type { Commands, SimulatorOptions } from './main.ts'
import type { LedgerLine } from './starts/ledger.ts'

type Remote = {
  readonly [K in keyof Commands]: (
    ...args: Parameters<Commands[K]>
  ) => Promise<Awaited<ReturnType<Commands[K]>>>
}

export interface Simulator extends AsyncDisposable {
  readonly url: string
  readonly ca: string
  readonly token: string
  readonly pid: number
  readonly commands: Remote
}

type Message =
  | { readonly listening: { readonly url: string; readonly ca: string; readonly token: string } }
  | { readonly lines: readonly LedgerLine[] }
  | { readonly id: number; readonly value?: unknown; readonly error?: string }

export async function startSimulator(
  options: SimulatorOptions,
  onLine: (line: LedgerLine) => void,
): Promise<Simulator> {
  const child = fork(join(import.meta.dirname, 'main.ts'), [JSON.stringify(options)], { stdio: 'inherit' })
  const calls = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>()
  const {
    promise: listening,
    resolve: listens,
    reject,
  } = Promise.withResolvers<{
    url: string
    ca: string
    token: string
  }>()
  child.on('message', (message: Message) => {
    if ('listening' in message) listens(message.listening)
    else if ('lines' in message) message.lines.forEach(onLine)
    else settle(calls, message)
  })
  child.once('exit', (code, signal) => {
    const error = new Error(`the simulator ended with ${signal ?? code}`)
    reject(error)
    for (const call of calls.values()) call.reject(error)
  })
  const where = await listening
  let next = 0
  const call = (name: string, args: readonly unknown[]): Promise<unknown> =>
    new Promise((resolve, refuse) => {
      next += 1
      calls.set(next, { resolve, reject: refuse })
      child.send({ id: next, call: name, args })
    })
  const commands = new Proxy({} as Remote, {
    get:
      (_, name) =>
      (...args: readonly unknown[]) =>
        call(String(name), args),
  })
  return { ...where, pid: child.pid ?? 0, commands, [Symbol.asyncDispose]: () => ended(child) }
}

function settle(
  calls: Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>,
  { error, id, value }: Extract<Message, { id: number }>,
): void {
  const call = calls.get(id)
  calls.delete(id)
  if (error === undefined) call?.resolve(value)
  else call?.reject(new Error(error))
}

function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve()
  return new Promise((resolve) => {
    child.once('exit', () => resolve())
    child.kill('SIGKILL')
  })
}
