// Owns the promise that only one `up`, `down`, build or test of what belongs to a whole cluster runs on this machine at a time.
// Promises to let go when its process ends in any way: the kernel closes the socket, so there is no stale lock. In clusters apart
// locks are apart too, as their networks are. Does not say who holds it.

import { createServer } from 'node:net'
import { clock, say } from './commands.ts'

export type Release = () => void

/** Waits for the lock; whoever has it lets go by what is returned. */
export async function takeLock(name: string): Promise<Release> {
  let release = await tryLock(name)
  if (release === undefined) say(`waiting for another process to finish with the ${name}…`)
  while (release === undefined) {
    await clock.sleep(200)
    release = await tryLock(name)
  }
  return release
}

/** Waits for the lock, runs the work, lets go. */
export async function withLock<T>(name: string, work: () => Promise<T>): Promise<T> {
  const release = await takeLock(name)
  try {
    return await work()
  } finally {
    release()
  }
}

/** The leading NUL puts the socket into Linux's abstract namespace: no file, one owner. */
function tryLock(name: string): Promise<Release | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.on('error', (error: NodeJS.ErrnoException) =>
      error.code === 'EADDRINUSE' ? resolve(undefined) : reject(error),
    )
    server.listen(`\0podspan-${name}`, () => resolve(() => server.close()))
  })
}
