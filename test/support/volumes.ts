// Owns stories of volumes told by hand: what a claim, an attachment and their controllers write beside a pod.
// Promises what real ones write, version by version: a claim is annotated before its phase changes, an event names its moment.
// Does not know the pod: pods.ts does.

import type {
  AnyRecord,
  AttachmentRecord,
  ClaimRecord,
  EventRecord,
  PodRecord,
} from '../../src/base/record.ts'
import type { Write } from './pods-cluster.ts'
import { at, eventRecord, LAG_MS, secondsAt } from './pods-records.ts'

export const PROVISIONER = 'rancher.io/local-path'
export const DRIVER = 'mock.csi.example.com'

/** A pod with one claim, named `data`, of the claim `files`. */
export const withClaim: Partial<PodRecord> = {
  volumes: [
    { name: 'data', kind: 'persistentVolumeClaim', claim: 'files' },
    { name: 'kube-api-access', kind: 'projected' },
  ],
}

const write = (ms: number, record: AnyRecord, kind: Write['kind'] = 'modified'): Write => ({
  ms,
  lagMs: LAG_MS,
  record,
  kind,
})

export interface ClaimStory {
  created(ms: number): ClaimStory
  /** The scheduler names the node, and its controller the provisioner. */
  selected(ms: number, node?: string): ClaimStory
  asked(ms: number): ClaimStory
  event(ms: number, reason: string, message: string, component?: string): ClaimStory
  /** The annotation and the name of the volume, and the phase in a version of its own. */
  bound(ms: number, volume?: string): ClaimStory
  writes(): readonly Write[]
}

const RESERVED = { 'volume.kubernetes.io/storage-provisioner': PROVISIONER }

export function claimStory(name = 'files', more: Partial<ClaimRecord> = {}): ClaimStory {
  const own: Write[] = []
  let claim: ClaimRecord = {
    resource: 'persistentvolumeclaims',
    uid: `claim-${name}`,
    name,
    namespace: 'shop',
    resourceVersion: '1',
    storageClass: 'fast',
    phase: 'Pending',
    ...more,
  }
  const change = (ms: number, patch: Partial<ClaimRecord>): ClaimStory => {
    claim = { ...claim, ...patch }
    own.push(write(ms, claim))
    return self
  }
  const annotate = (ms: number, annotations: Record<string, string>, patch: Partial<ClaimRecord> = {}) =>
    change(ms, { ...patch, annotations: { ...claim.annotations, ...annotations } })
  const self: ClaimStory = {
    created: (ms) => {
      claim = { ...claim, createdSeconds: secondsAt(ms) }
      own.push(write(ms, claim, 'added'))
      return self
    },
    selected: (ms, node = 'node-1') =>
      annotate(ms, { ...RESERVED, 'volume.kubernetes.io/selected-node': node }),
    asked: (ms) => annotate(ms, RESERVED),
    event: (ms, reason, message, component = `${PROVISIONER}_host_1`) => {
      own.push(write(ms, claimEvent(ms, name, reason, { message, component }), 'added'))
      return self
    },
    bound: (ms, volume = 'pv-1') => {
      annotate(ms, { 'pv.kubernetes.io/bind-completed': 'yes' }, { volume })
      return change(ms + 2, { phase: 'Bound' })
    },
    writes: () => own,
  }
  return self
}

function claimEvent(ms: number, name: string, reason: string, more: Partial<EventRecord>): EventRecord {
  const involved = { kind: 'PersistentVolumeClaim', namespace: 'shop', name, uid: `claim-${name}` }
  const { host: _, ...bare } = eventRecord(ms, reason, more)
  return { ...bare, name: `${name}.${at(ms).toString(16)}`, uid: `event-${name}-${reason}-${ms}`, involved }
}

export interface AttachmentStory {
  created(ms: number): AttachmentStory
  attached(ms: number): AttachmentStory
  failed(ms: number, message: string): AttachmentStory
  deleted(ms: number): AttachmentStory
  writes(): readonly Write[]
}

export function attachmentStory(more: Partial<AttachmentRecord> = {}): AttachmentStory {
  const own: Write[] = []
  const node = more.node ?? 'node-1'
  let attachment: AttachmentRecord = {
    resource: 'volumeattachments',
    uid: `attachment-${node}`,
    name: `csi-${node}`,
    namespace: '',
    resourceVersion: '1',
    attacher: DRIVER,
    node,
    volume: 'pv-1',
    attached: false,
    ...more,
  }
  const change = (ms: number, patch: Partial<AttachmentRecord>, kind: Write['kind'] = 'modified') => {
    attachment = { ...attachment, ...patch }
    own.push(write(ms, attachment, kind))
    return self
  }
  const self: AttachmentStory = {
    created: (ms) => change(ms, { createdSeconds: secondsAt(ms) }, 'added'),
    attached: (ms) => change(ms, { attached: true }),
    failed: (ms, message) => change(ms, { error: { seconds: secondsAt(ms), message } }),
    deleted: (ms) => change(ms, {}, 'deleted'),
    writes: () => own,
  }
  return self
}

/** What the attachdetach-controller says of the pod. */
export const controllerEvent = (ms: number, reason: string, message: string): EventRecord => {
  const { host: _, ...bare } = eventRecord(ms, reason, { message, component: 'attachdetach-controller' })
  return bare
}

export const ATTACHED = 'AttachVolume.Attach succeeded for volume "pv-1" '
