// Owns the contract of an API server on a real one of its own: where the simulator differs from this, the simulator is wrong.
// Promises what test/simulator/contract.ts says; test/simulator/contract.test.ts runs the same on the simulator.

import { readCluster } from '../cluster/cluster.ts'
import { beforeMinor, ofMinor, withoutOurs } from '../cluster/foreign.ts'
import { contract, type Opened } from '../simulator/contract.ts'
import { RealApiServer } from '../support/api-server-real.ts'

const skip = withoutOurs('an API server of its own, of the binaries of test/cluster')

/** It was on in 1.32, off again in 1.33. */
const withoutWatchList =
  beforeMinor(32, 'WatchList') || (ofMinor(33) && 'WatchList is off in Kubernetes 1.33')

contract(async () => openReal(readCluster().binaries), { skip, timeout: 180_000 }, withoutWatchList)

async function openReal(binaries: Readonly<Record<string, string>>): Promise<Opened> {
  const real = await RealApiServer.start({ binaries })
  const restart = async (): Promise<void> => {
    await real.kill()
    await real.startServer()
  }
  return {
    url: real.url,
    ca: real.ca,
    token: real.adminToken,
    throttled: () => real.throttled(),
    // The watch cache would still answer.
    compact: async () => {
      await real.compact()
      await restart()
    },
    restart,
    close: () => real.close(),
  }
}
