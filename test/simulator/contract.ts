// Owns the contract between the simulator and the truth: what an API server answers to all that Podspan asks, and around it.
// Promises that a simulator which passes it may stand for a real one in tests; where the two differ, the simulator is wrong.
// Does not know which of the two it talks to.

import { after, before, describe, test, type TestOptions } from 'node:test'
import type { Subject } from './contract-client.ts'
import { LISTS } from './contract-lists.ts'
import { OBJECTS } from './contract-objects.ts'
import { openRoom } from './contract-room.ts'
import { installSessions, SERVICE } from './contract-service.ts'
import { WATCHES } from './contract-watches.ts'

export interface Opened extends Subject {
  close(): Promise<void>
}

/** Without first lists as a stream, which older versions do not have, those cases are skipped for the reason that is given. */
export function contract(
  open: () => Promise<Opened>,
  options: TestOptions = {},
  withoutWatchList: string | false = false,
): void {
  describe('the contract of an API server', options, () => {
    let subject: Opened
    before(async () => {
      subject = await open()
      await installSessions(subject)
    })
    after(() => subject?.close())
    for (const { name, run } of [...OBJECTS, ...LISTS, ...WATCHES, ...SERVICE])
      test(name, { skip: name.startsWith('a WatchList') && withoutWatchList }, async () =>
        run(await openRoom(subject)),
      )
  })
}
