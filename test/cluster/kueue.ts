// Owns Kueue on the cluster: built from its module, in an image of its own, installed from its own kustomization.
// Promises that its webhooks answer when `installKueue` returns. Installing twice is installing once.
// Does not make queues.

import { join } from 'node:path'
import { buildTool } from './build.ts'
import { kubectl, pushImage } from './cluster.ts'
import { ClusterError, clock, say } from './commands.ts'
import { toolFamily } from './versions.ts'

const READY_SECONDS = 240

export async function installKueue(): Promise<void> {
  const { kueue = '' } = await buildTool('kueue')
  const image = await pushImage('kueue', `v${toolFamily('kueue').version}`, {
    layers: [{ files: { manager: kueue } }],
    entrypoint: ['/manager'],
    user: '65532:65532',
  })
  const manifests = await kubectl(['kustomize', join(kueue, '..', 'config', 'default')])
  await kubectl(['apply', '--server-side', '--force-conflicts', '-f', '-'], {
    input: adapted(manifests, image),
  })
  await answers()
}

/**
 * Our image, single pods queued as well as Jobs, and no more of the node's CPU than it needs. Without its API of pending Workloads, which
 * this cluster's API server cannot reach: while one API does not answer, no namespace ends.
 */
function adapted(manifests: string, image: string): string {
  const replacements: readonly (readonly [RegExp, string])[] = [
    [/image: \S*\/kueue:\S+/, `image: ${image}`],
    [/# {2}- "pod"/, '  - "pod"'],
    [/cpu: 500m/, 'cpu: 50m'],
  ]
  const kept = manifests.split(/^---$/m).filter((one) => !/^kind: APIService$/m.test(one))
  const whole = kept.join('---')
  return replacements.reduce((text, [found, instead]) => {
    if (!found.test(text)) throw new ClusterError(`Kueue's manifests hold no ${found.source} any more`)
    return text.replace(found, instead)
  }, whole)
}

/** Its webhooks refuse everything until its certificates are made and known: a dry run tells. */
async function answers(): Promise<void> {
  const flavor = {
    apiVersion: 'kueue.x-k8s.io/v1beta2',
    kind: 'ResourceFlavor',
    metadata: { name: 'dry-run' },
  }
  const deadline = clock.monotonicMs() + READY_SECONDS * 1000
  say('waiting for Kueue…')
  for (;;) {
    try {
      await kubectl(['create', '--dry-run=server', '-f', '-'], { input: JSON.stringify(flavor) })
      return
    } catch (error) {
      if (clock.monotonicMs() > deadline) throw error
      await clock.sleep(1000)
    }
  }
}
