// Owns the rules of the restricted Pod Security Standard that a pod of ours could break.
// Promises one sentence for each thing that the standard refuses. Does not replace the real admission: the end-to-end test has that.

import type { Container, PodSpec } from './render.ts'

const VOLUMES = [
  'configMap',
  'csi',
  'downwardAPI',
  'emptyDir',
  'ephemeral',
  'persistentVolumeClaim',
  'projected',
  'secret',
]

export function violations(spec: PodSpec): string[] {
  const pod = spec.securityContext ?? {}
  const shared = ['hostNetwork', 'hostPID', 'hostIPC'].filter((field) => spec[field] === true)
  const volumes = (spec.volumes ?? [])
    .flatMap((volume) => Object.keys(volume).filter((key) => key !== 'name'))
    .filter((type) => !VOLUMES.includes(type))
  const containers = [...(spec.initContainers ?? []), ...spec.containers]
  return [
    ...shared.map((field) => `${field} is true`),
    ...volumes.map((type) => `a volume is of type ${type}`),
    ...containers.flatMap((one) => ofContainer(one, pod).map((what) => `${one.name}: ${what}`)),
  ]
}

function ofContainer(container: Container, pod: Readonly<Record<string, unknown>>): string[] {
  const own = container.securityContext ?? {}
  const both = { ...pod, ...own }
  const capabilities = (own['capabilities'] ?? {}) as { drop?: string[]; add?: string[] }
  const profile = both['seccompProfile'] as { type?: string } | undefined
  const ports = (container.ports ?? []) as readonly { readonly hostPort?: number }[]
  const refusals: readonly (readonly [boolean, string])[] = [
    [own['privileged'] === true, 'is privileged'],
    [own['allowPrivilegeEscalation'] !== false, 'may gain privileges'],
    [both['runAsNonRoot'] !== true, 'may run as root'],
    [both['runAsUser'] === 0, 'runs as root'],
    [!['RuntimeDefault', 'Localhost'].includes(profile?.type ?? ''), 'has no seccomp profile'],
    [!capabilities.drop?.includes('ALL'), 'keeps capabilities'],
    [(capabilities.add ?? []).some((name) => name !== 'NET_BIND_SERVICE'), 'adds capabilities'],
    [ports.some(({ hostPort }) => hostPort !== undefined), 'takes a port of the host'],
  ]
  return refusals.filter(([holds]) => holds).map(([, sentence]) => sentence)
}
