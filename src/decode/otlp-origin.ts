// Owns whose the spans of a request are: what is said of their resource and scope, read once, and shared where it comes again.
// Promises that a resource is read once however many scopes it has, and that what is kept for the next request is bounded in bytes.
// Does not read spans.

import type { NativeOrigin, OriginDetail } from '../base/native.ts'
import { type Message, RESOURCE_BODY, SCOPE_BODY } from './otlp-messages.ts'
import { toJson } from './otlp-to-json.ts'
import { errorOf } from './result.ts'

/** What a component says of itself takes some hundred bytes, and some thousand where a Collector adds to it. */
export const ORIGIN_BYTES_MAX = 64 * 1024
/** A component sends the same with each request; what is longer than this is read anew. */
const SHARED_BYTES_MAX = 2048
const ALL_SHARED_BYTES_MAX = 4 * 1024 * 1024

/** For one resource; undefined where either is too long to be anybody's. */
export function originsOf(
  resource: Buffer | undefined,
): (scope: Buffer | undefined) => NativeOrigin | undefined {
  if (!resource) return () => undefined
  let read: ReadResource | undefined
  const make = (scope: Buffer, ownBytes: number): NativeOrigin =>
    new Origin((read ??= new ReadResource(resource)), scope, ownBytes)
  return (scope) => {
    if (!scope) return undefined
    const bytes = resource.length + scope.length
    return bytes > SHARED_BYTES_MAX ? make(scope, bytes) : shared(resource, scope, make)
  }
}

const known = new Map<string, NativeOrigin>()
let knownBytes = 0

function shared(
  resource: Buffer,
  scope: Buffer,
  make: (scope: Buffer, ownBytes: number) => NativeOrigin,
): NativeOrigin {
  const key = `${resource.toString('latin1')}\n${scope.toString('latin1')}`
  const before = known.get(key)
  if (before) return before
  if (knownBytes + key.length > ALL_SHARED_BYTES_MAX) {
    known.clear()
    knownBytes = 0
  }
  const origin = make(scope, 0)
  known.set(key, origin)
  knownBytes += key.length
  return origin
}

class ReadResource {
  readonly bytes: Buffer
  readonly service: string
  readonly podUid: string | undefined

  constructor(bytes: Buffer) {
    this.bytes = bytes
    const { resource }: OriginDetail['ofResource'] = describe(RESOURCE_BODY, bytes)
    const text = (key: string): string | undefined =>
      resource?.attributes?.find((one) => one.key === key)?.value?.stringValue
    this.service = text('service.name') ?? 'unknown_service'
    this.podUid = text('k8s.pod.uid')
  }
}

class Origin implements NativeOrigin {
  readonly #resource: ReadResource
  readonly scopeBytes: Uint8Array
  readonly ownBytes: number

  constructor(resource: ReadResource, scopeBytes: Uint8Array, ownBytes: number) {
    this.#resource = resource
    this.scopeBytes = scopeBytes
    this.ownBytes = ownBytes
  }

  get service(): string {
    return this.#resource.service
  }

  get podUid(): string | undefined {
    return this.#resource.podUid
  }

  get resourceBytes(): Uint8Array {
    return this.#resource.bytes
  }

  describe(): OriginDetail {
    return {
      ofResource: describe(RESOURCE_BODY, this.resourceBytes),
      ofScope: describe(SCOPE_BODY, this.scopeBytes),
    }
  }
}

/** What was skipped unread when the request came may turn out not to be what it should be. */
export function describe(message: Message, bytes: Uint8Array): Record<string, unknown> {
  try {
    return toJson(message, bytes)
  } catch (thrown) {
    errorOf(thrown)
    return {}
  }
}
