// Owns the writes contract on a real API server of its own, with the CRD of this repository.
// Promises what test/kube/writes-contract.ts says; the stub passes the same tests.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { parse } from 'yaml'
import { type Connection, openDirect } from '../../src/kube/config.ts'
import { writesContract } from '../kube/writes-contract.ts'
import { readCluster } from '../cluster/cluster.ts'
import { withoutOurs } from '../cluster/foreign.ts'
import { RealApiServer } from '../support/api-server-real.ts'

const skip = withoutOurs('an API server of its own, of the binaries of test/cluster')
const crd = join(import.meta.dirname, '..', '..', 'crds', 'podspan.dev_tracesessions.yaml')

let real: RealApiServer | undefined
let connection: Connection | undefined

before(async () => {
  if (skip) return
  real = await RealApiServer.start({ binaries: readCluster().binaries })
  connection = openDirect(real.url, { authorization: `Bearer ${real.adminToken}` }, { ca: real.ca })
  const path = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'
  const { code, text } = await real.call('POST', path, parse(readFileSync(crd, 'utf8')) as object)
  assert.equal(code, 201, text)
  await served(real)
})
after(async () => {
  await connection?.close()
  await real?.close()
})

async function served(server: RealApiServer): Promise<void> {
  for (let n = 0; n < 100; n++) {
    const { code } = await server.call('GET', '/apis/podspan.dev/v1alpha1/namespaces/default/tracesessions')
    if (code === 200) return
    await delay(100)
  }
  throw new Error('the CRD is not served after 10 s')
}

writesContract(
  () => {
    if (!connection) throw new Error('there is no API server')
    return { connection }
  },
  { skip, timeout: 60_000 },
)
