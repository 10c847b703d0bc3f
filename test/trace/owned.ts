// Owns a pod of a Deployment for tests, with its owners, and its plain start.

import type { Frame } from '../../src/base/frame.ts'
import type { OwnerRecord, OwnerReference, PodRecord } from '../../src/base/record.ts'
import type { Trace } from '../../src/trace/trace.ts'
import { frameOf, secondsAt, story } from '../support/pods.ts'
import { traceOf } from '../support/pods-spans.ts'

export const RS_UID = '22222222-0000-4000-8000-000000000001'
export const DEPLOYMENT_UID = '33333333-0000-4000-8000-000000000001'

export const owner = (
  kind: string,
  name: string,
  uid: string,
  more: Partial<OwnerRecord> = {},
): OwnerRecord => ({
  resource: 'owners',
  apiVersion: 'apps/v1',
  kind,
  name,
  uid,
  namespace: 'shop',
  resourceVersion: '1',
  ...more,
})
export const reference = ({ apiVersion, kind, name, uid }: OwnerRecord): OwnerReference => ({
  apiVersion,
  kind,
  name,
  uid,
  controller: true,
})

export const DEPLOYMENT = owner('Deployment', 'web', DEPLOYMENT_UID)
export const REPLICA_SET = owner('ReplicaSet', 'web-5fdd6f5f6f', RS_UID, {
  owners: [reference(DEPLOYMENT)],
  createdSeconds: secondsAt(-5000),
})
export const OWNED: Partial<PodRecord> = {
  owners: [reference(REPLICA_SET)],
  labels: { 'pod-template-hash': '5fdd6f5f6f' },
}

/** A plain start, after other frames. */
export function started(more: Partial<PodRecord> = {}, before: readonly Frame[] = []): Trace {
  return traceOf(startedFrames(more, before))
}

export function startedFrames(
  more: Partial<PodRecord> = {},
  before: readonly Frame[] = [],
): readonly Frame[] {
  const told = story(more)
  for (const frame of before) told.frame(frame)
  return told.create(0).bind(20).admit(40).start(210, 'app').ready(300).frames()
}

export const owners = (replicaSet = REPLICA_SET, deployment = DEPLOYMENT): Frame[] => [
  frameOf(-20_000, deployment, 'initial'),
  frameOf(-20_000, replicaSet, 'initial'),
]
