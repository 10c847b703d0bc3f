// Owns pods as nobody would write them by hand: containers, probes, hooks, volumes and constraints, drawn at random.
// Promises that equal seeds give equal pods but for the tags of their images, and that what a pod waits for is told beside it.
// Does not create anything: wild.ts does.

import type { KubeObject } from './api.ts'
import { configMap, container, forever, pod } from './manifests.ts'
import type { Random } from './wild-random.ts'

type Fields = Readonly<Record<string, unknown>>

/** What has to be done some time after a pod was created. */
export interface Later {
  readonly afterSeconds: number
  readonly act:
    | { readonly kind: 'create'; readonly object: KubeObject }
    | { readonly kind: 'patch'; readonly body: object; readonly subresource?: string }
    | { readonly kind: 'delete' | 'remove' | 'evict' | 'recreate' }
}

export interface WildPod {
  readonly object: KubeObject
  readonly later: readonly Later[]
}

/** Images that no node has seen, as many as are wanted. */
export type FreshImages = (megabytes: number) => string

export const NODE_LABEL = 'example.com/wild'
const GATE = 'example.com/wild-gate'
const CONDITION = 'example.com/wild-condition'

export function wildPod(name: string, random: Random, fresh: FreshImages): WildPod {
  const made = new Made(name, random, fresh)
  const initContainers = random.many(0, 2).map((index) => made.initContainer(`i${index}`))
  const containers = random.many(1, random.chance(0.1) ? 9 : 3).map((index) => made.container(`c${index}`))
  const spec = { ...made.spec(), initContainers, volumes: made.volumes }
  const object = pod(name, containers, random.chance(0.1) ? { ...spec, hostNetwork: true } : spec)
  const later = [...made.later, ...made.disturbances()]
  return { object, later }
}

class Made {
  readonly volumes: Fields[] = [{ name: 'state', emptyDir: {} }]
  readonly later: Later[] = []
  readonly #name: string
  readonly #random: Random
  readonly #fresh: FreshImages
  #patchedImage: { name: string; image: string } | undefined

  constructor(name: string, random: Random, fresh: FreshImages) {
    this.#name = name
    this.#random = random
    this.#fresh = fresh
  }

  spec(): Fields {
    const random = this.#random
    const restartPolicy = random.pick(['Always', 'Always', 'Always', 'OnFailure', 'Never'])
    const spec: Record<string, unknown> = {
      restartPolicy,
      terminationGracePeriodSeconds: random.pick([0, 1, 1, 3]),
    }
    if (random.chance(0.15)) {
      spec['schedulingGates'] = [{ name: GATE }]
      const body = { spec: { schedulingGates: [{ $patch: 'delete', name: GATE }] } }
      this.#after(random.between(0.2, 6), { kind: 'patch', body })
    }
    if (random.chance(0.1)) spec['nodeSelector'] = { [NODE_LABEL]: 'yes' }
    if (random.chance(0.1)) {
      spec['readinessGates'] = [{ conditionType: CONDITION }]
      const conditions = [{ type: CONDITION, status: 'True', lastTransitionTime: new Date().toISOString() }]
      const patch: Later['act'] = { kind: 'patch', body: { status: { conditions } }, subresource: 'status' }
      this.#after(random.between(0, 8), patch)
    }
    if (random.chance(0.08)) spec['activeDeadlineSeconds'] = random.pick([3, 8, 20])
    this.#configVolume()
    return spec
  }

  initContainer(name: string): Fields {
    const random = this.#random
    const isSidecar = random.chance(0.25)
    const script = isSidecar
      ? forever
      : random.pick([
          'true',
          'true',
          `sleep ${random.between(0.1, 3).toFixed(2)}`,
          this.#failing(name, 'true'),
        ])
    return container(name, script, {
      ...this.#image(name),
      ...(isSidecar && { restartPolicy: 'Always', ...this.#probes(name) }),
      volumeMounts: this.#mounts(),
    })
  }

  container(name: string): Fields {
    const random = this.#random
    const script = random.pick([
      forever,
      forever,
      forever,
      `sleep ${random.between(0.1, 5).toFixed(2)}`,
      `sleep ${random.between(0.1, 5).toFixed(2)}; exit 3`,
      this.#failing(name, forever),
    ])
    return {
      ...container(name, script, { ...this.#image(name), ...this.#probes(name), ...this.#hook() }),
      volumeMounts: this.#mounts(),
      ...(random.chance(0.04) && { command: ['/no-such-program'] }),
      ...(random.chance(0.06) && this.#environment()),
      ...(random.chance(0.2) && { resources: { requests: { cpu: `${random.whole(1, 150)}m` } } }),
    }
  }

  /** What is done to a pod that starts, or did. */
  disturbances(): Later[] {
    const random = this.#random
    const patched = this.#patchedImage
    const image = patched && { spec: { containers: [{ name: patched.name, image: patched.image }] } }
    const at = random.between(0.2, 15)
    if (image && patched.name.startsWith('c'))
      return [{ afterSeconds: random.between(2, 10), act: { kind: 'patch', body: image } }]
    if (!random.chance(0.25)) return []
    const body = { metadata: { labels: { wild: String(random.whole(1, 9)) } } }
    const kind = random.pick(['delete', 'remove', 'evict', 'recreate', 'patch', 'patch'] as const)
    return [{ afterSeconds: at, act: kind === 'patch' ? { kind, body } : { kind } }]
  }

  /** Fails once or twice, then goes on. */
  #failing(name: string, then: string): string {
    const tries = this.#random.whole(2, 3)
    const file = `/state/${name}`
    return `echo x >> ${file}; [ $(wc -l < ${file}) -ge ${tries} ] && exec ${then}; sleep ${this.#random.between(0, 1).toFixed(2)}; exit 1`
  }

  #image(name: string): Fields {
    const random = this.#random
    const draw = random.between(0, 1)
    if (draw < 0.6) return {}
    if (draw < 0.7) return { imagePullPolicy: 'Always' }
    if (draw < 0.92) return { image: this.#fresh(random.whole(1, 12)) }
    if (draw < 0.96) {
      this.#patchedImage ??= { name, image: this.#fresh(1) }
      return { image: 'localhost:5000/not-there:latest' }
    }
    return draw < 0.98 ? { image: 'localhost:1/refused:latest' } : { image: 'Not/AnImage' }
  }

  #probes(name: string): Fields {
    const random = this.#random
    const probe = (): Fields => ({
      exec: { command: ['sh', '-c', this.#probeScript(name)] },
      periodSeconds: random.whole(1, 3),
      initialDelaySeconds: random.pick([0, 0, 1, 3]),
      failureThreshold: random.whole(1, 20),
      timeoutSeconds: random.whole(1, 2),
    })
    return {
      ...(random.chance(0.4) && { readinessProbe: { ...probe(), successThreshold: random.pick([1, 1, 2]) } }),
      ...(random.chance(0.2) && { startupProbe: probe() }),
      ...(random.chance(0.08) && { livenessProbe: probe() }),
    }
  }

  #probeScript(name: string): string {
    const random = this.#random
    const file = `/tmp/${name}-${random.whole(1, 1e6)}`
    const counting = `echo x >> ${file}; [ $(wc -l < ${file}) -ge ${random.whole(2, 5)} ]`
    return random.pick(['true', 'true', counting, counting, 'sleep 1.5', 'exit 1'])
  }

  #hook(): Fields {
    const random = this.#random
    if (!random.chance(0.12)) return {}
    const command = ['sh', '-c', random.pick(['true', 'sleep 2', 'sleep 0.5; exit 1'])]
    return { lifecycle: { postStart: { exec: { command } } } }
  }

  #environment(): Fields {
    const name = `${this.#name}-env`
    this.#after(this.#random.between(0, 8), { kind: 'create', object: configMap(name, { colour: 'green' }) })
    return { env: [{ name: 'COLOUR', valueFrom: { configMapKeyRef: { name, key: 'colour' } } }] }
  }

  #configVolume(): void {
    const random = this.#random
    if (!random.chance(0.15)) return
    const name = `${this.#name}-volume`
    this.volumes.push({ name: 'settings', configMap: { name } })
    this.#after(random.between(0, 10), { kind: 'create', object: configMap(name, { colour: 'green' }) })
  }

  #mounts(): Fields[] {
    return [{ name: 'state', mountPath: '/state' }]
  }

  #after(afterSeconds: number, act: Later['act']): void {
    this.later.push({ afterSeconds, act })
  }
}
