// Owns the proof that a real API server takes the CRD of TraceSession, and says of every invalid session what to do.
// Promises to leave the CRD only where it was there before. Needs no controller.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { CRD_FILE } from '../../scripts/generate-crd.ts'
import { kubectl } from '../cluster/cluster.ts'
import { INVALID, INVALID_CHANGES, sessionObject, VALID } from '../session/invalid.ts'
import { fullStatus } from '../session/full-status.ts'
import { noCluster } from './trace-support.ts'
import { CRD as CRD_NAME, established, wholeCluster } from './whole-cluster.ts'

const CRD = `crd/${CRD_NAME}`
const namespace = 'e2e-session-crd'

const apply = (name: string, spec: Readonly<Record<string, unknown>>, args: readonly string[] = []) =>
  kubectl(['apply', '-f', '-', ...args], { input: JSON.stringify(sessionObject(name, namespace, spec)) })

/** What kubectl says when it is refused; fails where it is not. */
async function refusal(made: Promise<string>): Promise<string> {
  try {
    return assert.fail(`it was taken: ${await made}`)
  } catch (error) {
    if (error instanceof assert.AssertionError) throw error
    return error instanceof Error ? error.message : String(error)
  }
}

describe('the CRD at a real API server', { skip: noCluster, timeout: 240_000 }, () => {
  let installed = false
  let letGo = (): void => {}
  before(async () => {
    letGo = await wholeCluster()
    installed = (await kubectl(['get', CRD, '--ignore-not-found', '-o', 'name'])) === ''
    await kubectl(['apply', '-f', CRD_FILE])
    await established([CRD])
    await kubectl(['create', 'namespace', namespace])
  })
  after(async () => {
    await kubectl(['delete', 'namespace', namespace, '--ignore-not-found'])
    if (installed) await kubectl(['delete', CRD])
    letGo()
  })

  test('its schema is structural, its names are ours, and no part of it was refused', async () => {
    const { status } = JSON.parse(await kubectl(['get', CRD, '-o', 'json'])) as {
      status: { conditions: { type: string; status: string; message: string }[] }
    }
    const said = new Map(status.conditions.map(({ type, status: is }) => [type, is]))
    assert.equal(said.get('Established'), 'True')
    assert.equal(said.get('NamesAccepted'), 'True')
    assert.equal(said.has('NonStructuralSchema'), false)
  })

  for (const { name, spec, field, says } of INVALID) {
    test(`${name} is refused, and ${field} is named`, async () => {
      const said = await refusal(apply('invalid', spec, ['--dry-run=server']))
      assert.ok(said.includes(field), `${field} in: ${said}`)
      assert.ok(said.includes(says), `'${says}' in: ${said}`)
    })
  }

  for (const { name, from, to, says } of INVALID_CHANGES) {
    test(`a session cannot be given ${name}`, async () => {
      await apply('changed', from)
      const said = await refusal(apply('changed', to))
      await kubectl(['delete', '-n', namespace, 'tsn', 'changed'])
      assert.ok(said.includes(says), said)
    })
  }

  for (const [name, spec] of Object.entries(VALID)) {
    test(`${name} is taken, and taken again`, async () => {
      await apply('valid', spec)
      assert.match(await apply('valid', spec), /unchanged/)
      await kubectl(['delete', '-n', namespace, 'tsn', 'valid'])
    })
  }

  test('what is left out gets its defaults, and what may change may change', async () => {
    await apply('defaults', { allPods: true })
    const read = async () =>
      JSON.parse(await kubectl(['get', '-n', namespace, 'tsn', 'defaults', '-o', 'json'])) as {
        spec: Record<string, unknown>
        metadata: { generation: number }
      }
    assert.deepEqual((await read()).spec, {
      allPods: true,
      completion: {},
      backfill: '0s',
      startTimeout: '10m',
      sampling: { percent: 100, keep: { failed: true } },
      limits: { tracesPerMinute: 600 },
      exporter: 'default',
      suspend: false,
    })
    await apply('defaults', {
      allPods: true,
      suspend: true,
      exporter: 'other',
      completion: { timeout: '5m' },
    })
    assert.equal((await read()).metadata.generation, 2)
  })

  test('the status is a subresource: a change of it is none of the spec, and columns show it', async () => {
    await apply('shown', { allPods: true })
    const status = {
      phase: 'Running',
      pods: {
        matched: 3,
        starting: 1,
        ready: 2,
        completed: 0,
        failed: 0,
        unstable: 0,
        deleted: 0,
        timedOut: 0,
      },
      startup: { p50: '2.1s', p99: '31s' },
      longest: 'pull image 71 %',
      objective: 'not decided',
    }
    await kubectl([
      ...['patch', '-n', namespace, 'tsn', 'shown', '--subresource=status', '--type=merge', '-p'],
      JSON.stringify({ status }),
    ])
    const table = await kubectl(['get', '-n', namespace, 'tsn', 'shown'])
    assert.match(table, /NAME +PHASE +PODS +READY +P50 +P99 +LONGEST +OBJECTIVE +AGE/)
    assert.match(table, /shown +Running +3 +2 +2\.1s +31s +pull image 71 % +not decided/)
  })

  test('the largest status that a session can have is taken as it is', async () => {
    const status = fullStatus()
    await apply('full', { allPods: true })
    await kubectl([
      ...['patch', '-n', namespace, 'tsn', 'full', '--subresource=status', '--type=merge', '-p'],
      JSON.stringify({ status }),
    ])
    const stored = JSON.parse(await kubectl(['get', '-n', namespace, 'tsn', 'full', '-o', 'json'])) as {
      status: unknown
    }
    assert.deepEqual(stored.status, JSON.parse(JSON.stringify(status)))
  })

  test('kubectl explain reads well', async () => {
    const said = await kubectl(['explain', 'tsn.spec.objectives'])
    assert.match(said, /percentile\s+<number> -required-/)
    assert.match(said, /Which share of the pods must be within the threshold/)
  })
})
