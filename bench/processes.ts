// Owns the children of a bench: the API server, the Collector and the clients, each in a process of its own.
// Promises that each one is killed when the bench ends, however it ends, and that none outlives its time limit.
// Does not know what they do: they talk in messages.

import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const children = new Set<ChildProcess>()

export interface Child {
  send(message: object): void
  /** The next message that has this key. Rejects when the child ends first, or the time is up. */
  receive<T>(key: string): Promise<T>
  kill(): void
}

export interface StartOptions {
  readonly args?: readonly string[]
  readonly execArgv?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly limitMs: number
}

/** Starts a file of this folder. */
export function startChild(file: string, options: StartOptions): Child {
  const path = fileURLToPath(new URL(file, import.meta.url))
  const child = fork(path, options.args ?? [], {
    execArgv: [...(options.execArgv ?? [])],
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  children.add(child)
  const timer = setTimeout(() => child.kill('SIGKILL'), options.limitMs)
  const mail = mailbox()
  child.on('message', (message) => mail.put(message as Mail))
  child.once('exit', (code, signal) => {
    clearTimeout(timer)
    children.delete(child)
    mail.close(new Error(`${file} ended with ${signal ?? code}`))
  })
  return {
    send: (message) => void child.send(message),
    receive: <T>(key: string) => mail.take(key) as Promise<T>,
    kill: () => child.kill('SIGKILL'),
  }
}

export function killAll(): void {
  for (const child of children) child.kill('SIGKILL')
}

type Mail = Readonly<Record<string, unknown>>

function mailbox() {
  const waiting: { key: string; resolve: (value: unknown) => void; reject: (error: Error) => void }[] = []
  const unread: Mail[] = []
  let closed: Error | undefined
  return {
    put: (mail: Mail): void => {
      const index = waiting.findIndex(({ key }) => key in mail)
      const [reader] = index < 0 ? [] : waiting.splice(index, 1)
      if (reader) reader.resolve(mail[reader.key])
      else unread.push(mail)
    },
    take: (key: string): Promise<unknown> => {
      const index = unread.findIndex((mail) => key in mail)
      const [mail] = index < 0 ? [] : unread.splice(index, 1)
      if (mail) return Promise.resolve(mail[key])
      if (closed) return Promise.reject(closed)
      return new Promise((resolve, reject) => waiting.push({ key, resolve, reject }))
    },
    close: (error: Error): void => {
      closed = error
      for (const { reject } of waiting.splice(0)) reject(error)
    },
  }
}
