// The promise of up and down on a real machine: killed anywhere, `up` recovers; after `down` the machine is as before.
// Runs as root with PODSPAN_CLUSTER_TEST=1 and no cluster up; about half a minute with the builds in the cache.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import test from 'node:test'
import { kubectl, leftovers, readCluster } from './cluster.ts'
import { attempt, clock } from './commands.ts'
import { clusterLayout } from './layout.ts'
import { readText } from './processes.ts'

const script = (name: string): string[] => [join(import.meta.dirname, name)]
const skip = process.env.PODSPAN_CLUSTER_TEST === '1' ? false : 'needs root and PODSPAN_CLUSTER_TEST=1'
const layout = clusterLayout()

test('up recovers from being killed, keeps a healthy cluster, and down leaves the machine as it was', {
  skip,
}, async (t) => {
  assert.deepEqual(await leftovers(layout), [], 'take the running cluster down first')
  const before = await machine()
  t.after(() => attempt(process.execPath, script('down.ts')))

  for (const moment of ['etcd', 'kube-apiserver', 'kubelet']) {
    await killUpWhen(() => existsSync(join(layout.processes, `${moment}.json`)))
    assert.notDeepEqual(await leftovers(layout), [], `killed at ${moment}, something must be there`)
  }

  const first = await attempt(process.execPath, script('up.ts'))
  assert.equal(first.stdout, `export KUBECONFIG=${layout.kubeconfig}\n`, first.stderr)
  const pids = readCluster().pids
  const second = await attempt(process.execPath, script('up.ts'))
  assert.equal(second.stdout, first.stdout)
  assert.deepEqual(readCluster().pids, pids)

  await kubectl(['run', 'left', '--image=localhost:5000/busybox', '--port=80', '--', 'sleep', '1000'])
  await kubectl(['wait', '--for=condition=Ready', 'pod/left', '--timeout=120s'])
  const third = await attempt(process.execPath, script('down.ts'))
  assert.equal(third.code, 0, third.stderr)
  assert.deepEqual(await leftovers(layout), [])
  assert.deepEqual(await machine(), before)

  const again = await attempt(process.execPath, script('down.ts'))
  assert.equal(again.code, 0, again.stderr)
})

async function killUpWhen(reached: () => boolean): Promise<void> {
  const child = spawn(process.execPath, script('up.ts'), { stdio: 'ignore' })
  const exited = new Promise<void>((resolve) => child.on('exit', () => resolve()))
  while (!reached() && child.exitCode === null) await clock.sleep(5)
  child.kill('SIGKILL')
  await exited
}

/** What anybody could see of the cluster on this machine, apart from what `leftovers` looks for. */
async function machine(): Promise<object> {
  const settings = [
    'net/ipv4/ip_forward',
    'net/ipv4/conf/all/route_localnet',
    'vm/overcommit_memory',
    'kernel/panic',
  ]
  const directories = [
    '/run/containerd',
    '/run/netns',
    '/var/lib/cni',
    '/var/lib/kubelet',
    '/var/log/containers',
    '/var/log/pods',
  ]
  const output = async (command: string, ...args: string[]): Promise<string> =>
    (await attempt(command, args)).stdout
  return {
    settings: settings.map((name) => `${name} ${readText(`/proc/sys/${name}`)?.trim()}`),
    directories: directories.filter(existsSync),
    interfaces: (await output('ip', '-brief', 'link')).match(/^\S+/gm),
    routes: await output('ip', 'route'),
    rules: [...(await output('iptables-save')).matchAll(/^-A .*/gm)].map(([rule]) => rule),
    mounts: readText('/proc/self/mountinfo')?.split('\n').length,
  }
}
