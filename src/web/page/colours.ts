// Owns which colour stands for which work: a class name each, whose colours page.css has for light and dark.
// Promises a hue for each actor, deeper where it works and paler where it waits, so that a path is read without its legend.
// Does not draw.

/** The families in the order in which starts go through them, with what legends call them. */
export const FAMILIES = {
  queue: 'queues and gates',
  schedule: 'scheduler',
  node: 'new node',
  volume: 'volumes',
  device: 'devices',
  kubelet: 'kubelet',
  pull: 'image pull',
  runtime: 'container runtime',
  init: 'init containers',
  app: 'containers',
  owner: 'workload controller',
  trouble: 'back-off and refusal',
  user: 'people',
  unaccounted: 'unaccounted',
} as const

export type Family = keyof typeof FAMILIES

const WORKS: Readonly<Record<string, Family>> = {
  schedule: 'schedule',
  preempt: 'schedule',
  'provision node': 'node',
  'launch node': 'node',
  'register node': 'node',
  'initialise node': 'node',
  'provision volume': 'volume',
  'attach volume': 'volume',
  'mount volumes': 'volume',
  'allocate devices': 'device',
  'prepare devices': 'device',
  'prepare pod': 'kubelet',
  'prepare pod and create sandbox': 'kubelet',
  'report status': 'kubelet',
  'stop old pod': 'kubelet',
  'start pod': 'kubelet',
  'pull image': 'pull',
  'transfer and unpack': 'pull',
  'create sandbox': 'runtime',
  'create container': 'runtime',
  'start container': 'runtime',
  'run init container': 'init',
  'post-start hook': 'app',
  'startup probe': 'app',
  readiness: 'app',
  'run pod': 'app',
  'admission checks': 'queue',
  reconcile: 'owner',
  unaccounted: 'unaccounted',
}

/** Where nobody works: somebody, or something, is waited for. */
const WAITS: Readonly<Record<string, Family>> = {
  'wait at scheduling gate': 'queue',
  'wait in queue': 'queue',
  'wait for quota': 'queue',
  'wait for claim': 'device',
  'wait for pull slot': 'pull',
  'readiness gate': 'queue',
  'back-off': 'trouble',
  'creation refused': 'trouble',
  'wait for minReadySeconds': 'owner',
  paused: 'user',
  suspended: 'user',
  'wait for deletion': 'user',
}

const FAMILY_OF: ReadonlyMap<string, Family> = new Map(Object.entries({ ...WORKS, ...WAITS }))

export const familyOf = (operation: string): Family => FAMILY_OF.get(operation) ?? 'kubelet'

const SERVICES: Readonly<Record<string, Family>> = {
  kubelet: 'kubelet',
  containerd: 'runtime',
  crio: 'runtime',
  apiserver: 'owner',
  'kube-apiserver': 'owner',
  etcd: 'owner',
}

/** Of a span that a component told itself; any other service is somebody's application. */
export const colourOfService = (service: string): string => `c-${SERVICES[service] ?? 'app'}`

export const colourOf = (operation: string): string =>
  `c-${familyOf(operation)}${Object.hasOwn(WAITS, operation) ? ' waits' : ''}`
