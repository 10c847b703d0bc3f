// Owns which colour stands for which operation and actor: a class name each, whose colours page.css has for light and dark.
// Promises that operations of one kind of work look alike. Does not draw.

/** By operation, for paths; what is not here is work of the kubelet and runtime. */
const OPERATIONS: Readonly<Record<string, string>> = {
  schedule: 'schedule',
  preempt: 'schedule',
  'wait at scheduling gate': 'queue',
  'wait in queue': 'queue',
  'provision node': 'node',
  'launch node': 'node',
  'register node': 'node',
  'initialise node': 'node',
  'provision volume': 'volume',
  'attach volume': 'volume',
  'mount volumes': 'volume',
  'allocate devices': 'device',
  'prepare devices': 'device',
  'pull image': 'pull',
  'transfer and unpack': 'pull',
  'wait for pull slot': 'pullwait',
  'run init container': 'init',
  'post-start hook': 'app',
  'startup probe': 'app',
  readiness: 'app',
  'readiness gate': 'gate',
  'back-off': 'backoff',
  unaccounted: 'unaccounted',
}

export const colourOf = (operation: string): string => `c-${OPERATIONS[operation] ?? 'runtime'}`

/** For legends: one operation of each colour, in the order in which starts go through them. */
export const LEGEND: readonly (readonly [colour: string, text: string])[] = [
  ['c-queue', 'queue, gate'],
  ['c-schedule', 'schedule'],
  ['c-node', 'new node'],
  ['c-volume', 'volumes'],
  ['c-device', 'devices'],
  ['c-runtime', 'kubelet, runtime'],
  ['c-pullwait', 'wait for pull'],
  ['c-pull', 'pull'],
  ['c-init', 'init container'],
  ['c-app', 'app, probes'],
  ['c-gate', 'readiness gate'],
  ['c-backoff', 'back-off'],
  ['c-unaccounted', 'unaccounted'],
]
