// Owns what of a component's words is quoted: the cause, whatever it is wrapped in.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { brief, clip } from '../../src/trace/brief.ts'

const sandbox = '3f'.repeat(32)
const registry = 'registry.eu-central-1.amazonaws.example/team/checkout/backend-for-frontend'

const CASES: readonly (readonly [error: string, quoted: string])[] = [
  ['Error: secret "db" not found', 'secret "db" not found'],
  ['Failed to pull image "app:1": pull QPS exceeded', 'pull QPS exceeded'],
  [
    'Failed to pull image "app:1": rpc error: code = NotFound desc = failed to pull and unpack image "docker.io/library/app:1": failed to resolve reference "docker.io/library/app:1": docker.io/library/app:1: not found',
    'docker.io/library/app:1: not found',
  ],
  ['Back-off pulling image "app:1": ErrImagePull: manifest unknown', 'manifest unknown'],
  [
    `(combined from similar events): Failed to create pod sandbox: rpc error: code = Unknown desc = failed to setup network for sandbox "${sandbox}": plugin type="aws-cni" name="aws-cni" failed (add): add cmd: failed to assign an IP address to container`,
    'failed to setup network for sandbox "3f3f3f3f3f3f…": plugin type="aws-cni" name="aws-cni" failed (add): add cmd: failed to assign an IP address to container',
  ],
  [
    'Error: failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: error during container init: exec: "/app": stat /app: no such file or directory',
    'exec: "/app": stat /app: no such file or directory',
  ],
  [
    'Startup probe failed: Get "http://10.0.0.7:8080/": dial tcp 10.0.0.7:8080: connect: connection refused',
    'Startup probe failed: connect: connection refused',
  ],
  ['Readiness probe failed: ', 'Readiness probe failed'],
  ['two\nlines', 'two lines'],
]

for (const [error, quoted] of CASES) test(`'${quoted}' is quoted`, () => assert.equal(brief(error), quoted))

test('an error that is too long keeps its cause', () => {
  const error = `unexpected status from HEAD request to https://${registry}/manifests/${'3f'.repeat(20)}: ${registry}: 401 Unauthorized`
  const quoted = brief(error)
  assert.match(quoted, /^unexpected status from HEAD request to …? ?.*401 Unauthorized$/)
  assert.ok(quoted.length <= 160, String(quoted.length))
})

test('of the scheduler the beginning is quoted', () => {
  const quoted = brief(`0/3 nodes are available: 3 Insufficient cpu, ${'1 no help, '.repeat(40)}`)
  assert.match(quoted, /^0\/3 nodes are available: 3 Insufficient cpu, .*…$/)
})

test('of the scheduler no search for victims is quoted that says nothing of the reason', () => {
  const reasons = '0/3 nodes are available: 1 Insufficient cpu, 2 node(s) were unschedulable.'
  const searches = [
    'preemption: 0/3 nodes are available: 1 No preemption victims found for incoming pod, 2 Preemption is not helpful for scheduling.',
    'no new claims to deallocate, preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling.',
    'no new claims to deallocate.',
    'not found.',
  ]
  for (const search of searches) assert.equal(clip(`${reasons} ${search}`), reasons)
  const never = `${reasons} preemption: not eligible due to preemptionPolicy=Never.`
  assert.equal(clip(never), never)
})

test('what has no spaces is cut too', () => {
  assert.ok(brief('x'.repeat(5000)).length <= 160)
  assert.ok(clip('x'.repeat(5000)).length <= 160)
})
