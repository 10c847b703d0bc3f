import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { globSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { createMetrics } from '../../src/metrics/metrics.ts'
import { observeProcess } from '../../src/metrics/process.ts'
import { cacheDirectory } from '../cluster/layout.ts'
import { SLOW_PULL } from '../cli/hand-made.ts'

/** Built by the tests of the real cluster; where those never ran there is none. */
const promtool = globSync(join(cacheDirectory(), 'bin', 'prometheus-*', 'promtool'))
  .sort()
  .at(-1)

test('promtool finds nothing to say', { skip: promtool ? false : 'no promtool' }, async () => {
  const observer = observeProcess()
  try {
    const metrics = createMetrics({ readProcess: observer.read, version: '1.0.0' })
    metrics.take({ ...SLOW_PULL, requests: { cpu: 0.5, memory: 1024 } })
    const { body } = await metrics.expose()
    const { status, stdout, stderr } = spawnSync(promtool ?? '', ['check', 'metrics'], {
      input: body,
      encoding: 'utf8',
    })
    assert.equal(`${stdout}${stderr}`, '')
    assert.equal(status, 0)
  } finally {
    observer.close()
  }
})
