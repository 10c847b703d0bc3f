// Owns the proof that what `podspan check` says of a version is what an API server of that version does.
// Promises to ask only. What components say in events and spans is held to recordings of each version: test/versions.

import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { differencesOf, minorOf } from '../../src/cli/evidence.ts'
import { testedCluster, withoutAny } from '../cluster/foreign.ts'
import { Api } from '../scenarios/api.ts'

const holds = (minor: number, says: RegExp): boolean | undefined =>
  differencesOf(minor).find(({ text }) => says.test(text))?.holds

describe('what check says of this version', { skip: withoutAny, timeout: 60_000 }, () => {
  const api = new Api(withoutAny ? '' : testedCluster().kubeconfig)
  after(() => api.close())

  const ask = async (path: string): Promise<{ status: number; body: string }> => api.send('GET', path)
  const minor = async (): Promise<number> => {
    const { gitVersion } = JSON.parse((await ask('/version')).body) as { gitVersion: string }
    const found = minorOf(gitVersion)
    assert.ok(found !== undefined, gitVersion)
    return found
  }

  test('first lists come as a stream where it says so, and are refused where it does not', async () => {
    const stream = 'watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true'
    const { status, body } = await ask(`/api/v1/namespaces/default/pods?${stream}&timeoutSeconds=1`)
    if (holds(await minor(), /WatchList/)) {
      assert.equal(status, 200, body)
      assert.match(body, /"k8s.io\/initial-events-end":"true"/)
    } else {
      assert.equal(status, 422, body)
      assert.match(body, /sendInitialEvents/)
    }
  })

  test('the policies that put a context into pods are served where it says so', async () => {
    const { status, body } = await ask('/apis/admissionregistration.k8s.io/v1')
    assert.equal(status, 200, body)
    const { resources } = JSON.parse(body) as { resources: { name: string }[] }
    const served = resources.some(({ name }) => name === 'mutatingadmissionpolicies')
    assert.equal(served, holds(await minor(), /MutatingAdmissionPolicy/))
  })
})
