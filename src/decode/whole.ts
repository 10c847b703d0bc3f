// Owns which objects are read whole where a rollout is told: workloads, and the revisions of StatefulSets and DaemonSets.
// Promises the same object from a watch and from a recording. Everything else reads of workloads their metadata only.
// Does not watch and does not interpret: kube/whole.ts and rollout/ do.

import type { Frame, Source } from '../base/frame.ts'
import { decodeJsonObject } from './json.ts'
import { knownResource, type Resource, resourceOf } from './resources.ts'
import type { Decoded } from './result.ts'

/** Workloads that roll out. */
export const WORKLOAD_SOURCES: readonly Source[] = ['deployments', 'statefulsets', 'daemonsets', 'jobs']

const CONTROLLER_REVISIONS: Resource = {
  source: 'controllerrevisions',
  root: '/apis/apps/v1',
  apiVersion: 'apps/v1',
  kind: 'ControllerRevision',
  namespaced: true,
  record: 'custom',
}

/** All that a recording holds whole. */
export const WHOLE_SOURCES: readonly Source[] = [...WORKLOAD_SOURCES, CONTROLLER_REVISIONS.source]

/** The resource as it is read whole; undefined for one that never is. ReplicaSets are only where somebody asks for them. */
export function wholeResource(source: Source): Resource | undefined {
  if (source === CONTROLLER_REVISIONS.source) return CONTROLLER_REVISIONS
  if (!WHOLE_SOURCES.includes(source) && source !== 'replicasets') return undefined
  return { ...knownResource(source), record: 'custom' }
}

export function decodeWhole(source: Source, object: unknown): Decoded {
  const resource = wholeResource(source)
  if (resource) return decodeJsonObject(resource, object)
  return { ok: false, error: { kind: 'unsupported', what: 'not read whole', where: source } }
}

/** What a stream of metadata would have shown of an object that is read whole; any other frame as it is. */
export function metadataOf(frame: Frame): Frame {
  if (!('record' in frame) || frame.record.resource !== 'custom') return frame
  const known = resourceOf(frame.source)
  if (!known) return frame
  const { object, resource: _, ...meta } = frame.record
  const decoded = decodeJsonObject(known, object)
  if (decoded.ok) return { ...frame, record: decoded.record }
  // Of one that a list no longer shows nothing but its name is known.
  return { ...frame, record: { ...meta, resource: 'owners', apiVersion: known.apiVersion, kind: known.kind } }
}
