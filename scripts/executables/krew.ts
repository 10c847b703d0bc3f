// Owns the manifest by which krew installs Podspan as a plugin of kubectl.
// Promises one platform for each archive, with its hash. Does not publish.

import { stringify } from 'yaml'
import type { Platform } from './platforms.ts'
import { programName } from './platforms.ts'

export interface Archive {
  readonly platform: Platform
  readonly file: string
  readonly sha256: string
}

export function krewManifest(version: string, releaseUrl: string, archives: readonly Archive[]): string {
  return stringify(
    {
      apiVersion: 'krew.googlecontainertools.github.com/v1alpha2',
      kind: 'Plugin',
      metadata: { name: 'podspan' },
      spec: {
        version: `v${version}`,
        homepage: new URL(releaseUrl).origin,
        shortDescription: 'Tell why pods took so long to start',
        description: DESCRIPTION,
        caveats: CAVEATS,
        platforms: archives.map(({ platform, file, sha256 }) => ({
          selector: { matchLabels: { os: platform.os, arch: platform.arch } },
          uri: `${releaseUrl.replace(/\/$/, '')}/${file}`,
          sha256,
          bin: programName(platform),
          files: [programName(platform), 'LICENSE', 'LICENSE.node', 'LICENSE.packages'].map((from) => ({
            from,
            to: '.',
          })),
        })),
      },
    },
    { lineWidth: 100 },
  )
}

const DESCRIPTION = `Works out from Pods, Events and Nodes which component did what and when while a pod started,
with an honest uncertainty on every boundary, and draws it as one waterfall. It only reads:
nothing has to be installed in the cluster.

  kubectl podspan top -A                    the slowest workloads of the last hour, and why
  kubectl podspan trace deploy/web          one start, from creation to ready
  kubectl podspan watch                     starts as they happen
`

const CAVEATS = `Needs get, list and watch on pods; events, nodes and leases make it precise.
'kubectl podspan check' says what your account may see.

For completion link the program as kubectl_complete-podspan into your PATH:
  ln -s "$(command -v kubectl-podspan)" ~/.local/bin/kubectl_complete-podspan
`
