// Owns the scenarios in which probes decide: what they kill, what they take back, and what is stopped without having failed.
// Promises that each moment is the script's own, to the second. Does not probe over the network: wilder draws do.

import { container, forever, pod } from './manifests.ts'
import type { Scenario } from './stage.ts'

const state = { volumes: [{ name: 'state', emptyDir: {} }] }
const volumeMounts = [{ name: 'state', mountPath: '/state' }]
/** Succeeds while the file is there; the images have no directory for temporary files. */
const whileThere = (file: string, rest: object) => ({
  exec: { command: ['test', '-f', `/state/${file}`] },
  periodSeconds: 1,
  ...rest,
})

const livenessKills: Scenario = {
  name: 'liveness-kills',
  description: 'a container that boots for too long for its liveness probe, is killed, and boots faster then',
  run: async (stage) => {
    const script = `mkdir /state/tried && exec ${forever}; touch /state/alive; exec ${forever}`
    const livenessProbe = whileThere('alive', { failureThreshold: 3 })
    const readinessProbe = whileThere('alive', {})
    await stage.create(
      pod('slow', [container('app', script, { volumeMounts, livenessProbe, readinessProbe })], state),
    )
    await stage.ready(['slow'], 90)
  },
}

const readinessFlaps: Scenario = {
  name: 'readiness-flaps',
  description: 'a container that is ready, is not, and is again, while another one is not ready yet',
  run: async (stage) => {
    const made = (name: string, script: string) =>
      container(name, `${script}; touch /state/${name}; exec ${forever}`, {
        volumeMounts,
        readinessProbe: whileThere(name, { failureThreshold: 1 }),
      })
    const web = made('web', 'sleep 2; touch /state/web; sleep 3; rm /state/web; sleep 6')
    await stage.create(pod('flaps', [web, made('cache', 'sleep 8')], state))
    await stage.ready(['flaps'], 90)
  },
}

const sidecarStopped: Scenario = {
  name: 'sidecar-stopped',
  description: 'a pod that ends well with a sidecar, which the kubelet stops and which ends with 143',
  run: async (stage) => {
    const proxy = container('proxy', `trap 'exit 143' TERM; while true; do sleep 0.1; done`, {
      restartPolicy: 'Always',
    })
    await stage.create(
      pod('task', [container('app', 'sleep 3')], {
        initContainers: [proxy],
        restartPolicy: 'Never',
        terminationGracePeriodSeconds: 5,
      }),
    )
    await stage.phase('task', 'Succeeded')
  },
}

const endedByKubelet: Scenario = {
  name: 'ended-by-kubelet',
  description:
    'what the kubelet ends: two runs whose post-start hooks fail, a sidecar that fails its startup probe once, and a pod that may not be restarted whose liveness probe fails',
  run: async (stage) => {
    const failsTwice = 'echo x >> /state/tries; [ $(wc -l < /state/tries) -ge 3 ]'
    const lifecycle = { postStart: { exec: { command: ['sh', '-c', failsTwice] } } }
    await stage.create(pod('hook', [container('app', forever, { volumeMounts, lifecycle })], state))
    const boots = `mkdir /state/tried && exec ${forever}; touch /state/up; exec ${forever}`
    const startupProbe = whileThere('up', { failureThreshold: 3 })
    const proxy = container('proxy', boots, { volumeMounts, startupProbe, restartPolicy: 'Always' })
    await stage.create(pod('sidecar', [container('app', forever)], { ...state, initContainers: [proxy] }))
    const livenessProbe = whileThere('never', { failureThreshold: 3 })
    const readinessProbe = whileThere('never', {})
    const task = container('app', forever, { volumeMounts, livenessProbe, readinessProbe })
    await stage.create(pod('task', [task], { ...state, restartPolicy: 'Never' }))
    await stage.phase('task', 'Failed')
    await stage.ready(['hook', 'sidecar'], 90)
  },
}

export const probeScenarios: readonly Scenario[] = [
  livenessKills,
  readinessFlaps,
  sidecarStopped,
  endedByKubelet,
]
