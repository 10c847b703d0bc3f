// Owns which OpenTelemetry resource a span belongs to: the pod's attributes and a `service.name`.
// Promises low-cardinality service names in kebab case, and one resource per service of a trace.
// Does not choose what a span says: that is spans.ts.

import type { NativeOrigin } from '../base/native.ts'
import type { JoinedSpan, Prelude, Span } from '../trace/trace.ts'

/**
 * `actor`: who did the work, so that a backend colours the timeline by component and a start does not enter a service's
 * own latency figures; `workload`: the pod's owner; `fixed`: always the same name.
 */
export type ServiceNaming =
  | { readonly kind: 'actor' }
  | { readonly kind: 'workload' }
  | { readonly kind: 'fixed'; readonly name: string }

/** The service of the root, of what is unaccounted, and of everything that has no better name. */
export const OWN_SERVICE = 'podspan'

export const BY_ACTOR: ServiceNaming = { kind: 'actor' }

export const SERVICE_NAME = 'service.name'

/** The spans of one trace that share a resource: the trace's, with this `service.name`. Parents may be in another group. */
export interface ServiceGroup {
  readonly service: string
  readonly spans: readonly Span[]
}

export function groupByService(trace: Prelude, naming: ServiceNaming): ServiceGroup[] {
  if (naming.kind === 'actor') return groupByActor(trace)
  const service = naming.kind === 'fixed' ? naming.name : workloadName(trace)
  return [{ service, spans: trace.spans }]
}

function groupByActor(trace: Prelude): ServiceGroup[] {
  const groups = new Map<string, ServiceGroup & { spans: Span[] }>()
  for (const span of trace.spans) {
    const service = serviceOf(span.actor)
    const group = groups.get(service)
    if (group) group.spans.push(span)
    else groups.set(service, { service, spans: [span] })
  }
  return [...groups.values()]
}

/** `Deployment/checkout` is the service `checkout`; a pod without an owner has no name that is low in cardinality. */
function workloadName(trace: Prelude): string {
  const name = trace.workload?.slice(trace.workload.indexOf('/') + 1)
  return name === undefined || name === '' ? OWN_SERVICE : name
}

/** Actors are a dozen, except where gates and provisioners have names of their own. */
const SERVICES_MAX = 1000
const services = new Map<string, string>()

function serviceOf(actor: string): string {
  const known = services.get(actor)
  if (known !== undefined) return known
  const service = kebab(actor)
  if (services.size < SERVICES_MAX) services.set(actor, service)
  return service
}

/** `container runtime` → `container-runtime`; dots stay, because gates are named after domains. */
export function kebab(actor: string): string {
  if (KEBAB.test(actor)) return actor
  const name = actor
    .toLowerCase()
    .replace(/[^a-z0-9.]+/g, '-')
    .replace(/^-+|-+$/g, '')
  return name === '' ? OWN_SERVICE : name
}

const KEBAB = /^[a-z0-9.]+(?:-[a-z0-9.]+)*$/

/** What another component sent keeps the resource and the scope that it came with, its `service.name` included. */
export function groupByOrigin(joined: readonly JoinedSpan[]): Map<NativeOrigin, readonly JoinedSpan[]> {
  return Map.groupBy(joined, ({ span }) => span.origin)
}
