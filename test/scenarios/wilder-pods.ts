// Owns what is rarer in pods than wild-pods.ts draws: claims, images as volumes, servers that are probed, memory that runs out, ports that clash.
// Promises that equal seeds change equal pods in the same way. Does not create anything: wild.ts does.

import { overSlowLink } from '../cluster/slow-registry.ts'
import { classes } from '../cluster/volumes.ts'
import type { KubeObject } from './api.ts'
import { container } from './manifests.ts'
import type { Stage } from './stage.ts'
import { claim, makeVolumeOf } from './volumes.ts'
import type { FreshImages, Later, WildPod } from './wild-pods.ts'
import type { Random } from './wild-random.ts'
import type { Surroundings } from './wilder.ts'

type Fields = Readonly<Record<string, unknown>>
type Spec = Readonly<Record<string, unknown>> & {
  readonly containers: readonly Fields[]
  readonly volumes: readonly Fields[]
}

export const PRIORITIES = { 'podspan-wild-low': 10, 'podspan-wild-high': 1000 }
export const RUNTIME_CLASS = 'podspan-wild-nobody'
export const TAINT = 'example.com/wild-taint'
const AGNHOST = 'localhost:5000/agnhost:latest'

export interface WilderPod extends WildPod {
  /** What else is created, before the pod or some seconds after it. */
  readonly storage?: (stage: Stage) => Promise<void>
}

export interface Wilder {
  readonly random: Random
  readonly surroundings: Surroundings
  readonly fresh: FreshImages
}

/** The same pod with more in it, some of which no cluster will take. */
export function wilderPod(pod: WildPod, wilder: Wilder): WilderPod {
  const { random } = wilder
  let made: WilderPod = pod
  for (const change of [wilderContainers, imageVolume, placement, refusals, changes, storage])
    made = change(made, wilder)
  return random.chance(0.5) ? secretLate(made, random) : made
}

function withSpec<T extends WildPod>(pod: T, more: (spec: Spec) => Fields): T {
  const spec = pod.object.spec as Spec
  return { ...pod, object: { ...pod.object, spec: { ...spec, ...more(spec) } } as KubeObject }
}

const eachContainer = (spec: Spec, change: (one: Fields, index: number) => Fields): Fields => ({
  containers: spec.containers.map((one, index) => ({ ...one, ...change(one, index) })),
})

function wilderContainers(pod: WilderPod, { random }: Wilder): WilderPod {
  const change = (one: Fields, index: number): Fields => {
    const draw = random.between(0, 1)
    if (draw < 0.12) return probedServer(one, random, 8080 + index)
    if (draw < 0.14) return outOfMemory(random)
    if (draw < 0.19) return restartRules(random)
    if (draw < 0.2) return { securityContext: { runAsNonRoot: true } }
    if (draw < 0.21)
      return { securityContext: { seccompProfile: { type: 'Localhost', localhostProfile: 'none' } } }
    if (draw < 0.26) return { lifecycle: { postStart: { sleep: { seconds: random.whole(1, 3) } } } }
    return {}
  }
  return withSpec(pod, (spec) => eachContainer(spec, change))
}

/** Listens after a while; probed by the kubelet itself. */
function probedServer({ name }: Fields, random: Random, port: number): Fields {
  const listening = `/agnhost netexec --udp-port=-1 --http-port=${port}`
  const script = `sleep ${random.between(0, 4).toFixed(2)}; exec ${listening}`
  const http = { httpGet: { port, path: random.pick(['/healthz', '/healthz', '/not-there']) } }
  const probe = { ...random.pick([http, { tcpSocket: { port } }]), periodSeconds: random.whole(1, 2) }
  return {
    ...container(String(name), script, { image: AGNHOST }),
    readinessProbe: probe,
    ...(random.chance(0.4) && { startupProbe: { ...probe, failureThreshold: random.whole(2, 10) } }),
  }
}

/** Takes more than it may, after a while. */
function outOfMemory(random: Random): Fields {
  const eat = 'x=$(tail -c 80000000 /dev/zero | tr "\\0" x); sleep 3600'
  return {
    command: ['sh', '-c', `sleep ${random.between(0, 4).toFixed(2)}; ${eat}`],
    resources: { limits: { memory: '24Mi' } },
  }
}

/** Kubernetes 1.35 and later; before, the field is dropped or refused. */
function restartRules(random: Random): Fields {
  const rule = { action: 'Restart', exitCodes: { operator: 'In', values: [3] } }
  return {
    command: ['sh', '-c', `sleep ${random.between(0.1, 4).toFixed(2)}; exit ${random.pick([0, 3, 3])}`],
    restartPolicy: random.pick(['Never', 'OnFailure']),
    restartPolicyRules: [rule],
  }
}

/** An image that is mounted; since 1.36 everywhere. */
function imageVolume(pod: WilderPod, { random, fresh, surroundings }: Wilder): WilderPod {
  if (!random.chance(0.2)) return pod
  const pullPolicy = random.pick(['IfNotPresent', 'Always'])
  const reference = random.chance(0.15)
    ? 'localhost:5000/not-there:model'
    : overLink(fresh(random.whole(1, 8)), surroundings, random)
  return mounted(pod, { name: 'model', image: { reference, pullPolicy } }, '/model')
}

const overLink = (reference: string, { megabytesPerSecond }: Surroundings, random: Random): string =>
  megabytesPerSecond !== undefined && random.chance(0.6) ? overSlowLink(reference) : reference

function mounted(pod: WilderPod, volume: Fields, mountPath: string): WilderPod {
  const mount = { name: volume['name'], mountPath }
  return withSpec(pod, (spec) => ({
    volumes: [...spec.volumes, volume],
    ...eachContainer(spec, (one) => ({
      volumeMounts: [...((one['volumeMounts'] as Fields[]) ?? []), mount],
    })),
  }))
}

/** Where it may run, and before whom. */
function placement(pod: WilderPod, { random, surroundings }: Wilder): WilderPod {
  const slow = surroundings.megabytesPerSecond !== undefined
  return withSpec(pod, (spec) => ({
    ...(random.chance(0.25) && { priorityClassName: random.pick(Object.keys(PRIORITIES)) }),
    ...eachContainer(spec, (one, index) => ({
      ...(index === 0 &&
        random.chance(0.15) && { resources: { requests: { cpu: `${random.whole(4, 9)}00m` } } }),
      ...(index === 0 && random.chance(0.1) && { ports: [{ containerPort: 80, hostPort: 7001 }] }),
      ...(slow &&
        typeof one['image'] === 'string' && { image: overLink(one['image'], surroundings, random) }),
    })),
  }))
}

/** What no node can give. */
function refusals(pod: WilderPod, { random }: Wilder): WilderPod {
  if (!random.chance(0.04)) return pod
  return withSpec(pod, () =>
    random.pick([{ runtimeClassName: RUNTIME_CLASS }, { serviceAccountName: 'nobody' }]),
  )
}

/** What is changed in a pod that runs. */
function changes(pod: WilderPod, { random }: Wilder): WilderPod {
  const first = (pod.object.spec as Spec).containers[0]?.['name']
  const later: Later[] = []
  const at = (): number => random.between(1, 12)
  if (random.chance(0.08)) {
    const ephemeralContainers = [{ ...container('debug', 'sleep 2'), targetContainerName: first }]
    const body = { spec: { ephemeralContainers } }
    later.push({ afterSeconds: at(), act: { kind: 'patch', body, subresource: 'ephemeralcontainers' } })
  }
  if (random.chance(0.08)) {
    const resources = { requests: { cpu: `${random.whole(1, 100)}m` } }
    const body = { spec: { containers: [{ name: first, resources }] } }
    later.push({ afterSeconds: at(), act: { kind: 'patch', body, subresource: 'resize' } })
  }
  return { ...pod, later: [...pod.later, ...later] }
}

/** A claim of its own. */
function storage(pod: WilderPod, { random, surroundings }: Wilder): WilderPod {
  if (surroundings.storage === undefined || !random.chance(0.6)) return pod
  const name = pod.object.metadata.name
  const made = mounted(pod, { name: 'data', persistentVolumeClaim: { claimName: name } }, '/data')
  const afterSeconds = random.chance(0.5) ? 0 : random.between(0, 6)
  if (surroundings.storage === 'local-path') {
    const storageClass = random.pick(Object.values(classes))
    const access = storageClass === classes.immediate ? { accessModes: ['ReadWriteMany'] } : {}
    return { ...made, storage: (stage) => later(stage, afterSeconds, claim(name, storageClass, access)) }
  }
  const wishes = csiWishes(random)
  return {
    ...made,
    storage: async (stage) => {
      const volume = `${stage.namespace}-${name}`
      await makeVolumeOf(stage, { name: volume, claimName: name, wishes })
      await later(stage, afterSeconds, claim(name, '', { volumeName: volume }))
    },
  }
}

function csiWishes(random: Random): string {
  const slow = (most: number): number => (random.chance(0.5) ? random.whole(0, most) : 0)
  const twice = (): number => (random.chance(0.2) ? random.whole(1, 2) : 0)
  return `attach=${slow(4000)}&stage=${slow(3000)}&publish=${slow(2000)}&refuse=${twice()}&unpublished=${twice()}`
}

async function later(stage: Stage, afterSeconds: number, object: KubeObject): Promise<void> {
  await stage.sleep(afterSeconds)
  await stage.create(object).catch(() => {})
}

function secretLate(pod: WilderPod, random: Random): WilderPod {
  if (!random.chance(0.15)) return pod
  const name = `${pod.object.metadata.name}-secret`
  const object = { apiVersion: 'v1', kind: 'Secret', metadata: { name }, stringData: { colour: 'green' } }
  const made = mounted(pod, { name: 'hidden', secret: { secretName: name } }, '/hidden')
  const act = { kind: 'create', object } as const
  return { ...made, later: [...pod.later, { afterSeconds: random.between(0, 9), act }] }
}
