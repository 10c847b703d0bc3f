// Owns the question whether this API server serves a group that it need not serve, and in which version.
// Promises the best version that Podspan can read, `undefined` where there is none, or the failure; one request per question.
// Does not ask again by itself: whoever needs the stream does.

import { parseJson } from '../decode/json.ts'
import { asObject, listAt, textAt } from '../decode/json-fields.ts'
import { inVersion, type Resource } from '../decode/resources.ts'
import { errorOf } from '../decode/result.ts'
import type { Result } from './api.ts'
import type { Connection } from './config.ts'
import { fetchWhole } from './request.ts'

/** The resource as this server serves it. One that no group need be asked for is served as it is. */
export async function findServed(
  connection: Connection,
  resource: Resource,
  signal: AbortSignal,
): Promise<Result<Resource | undefined>> {
  const { optional } = resource
  if (!optional) return { ok: true, value: resource }
  const path = `/apis/${optional.group}`
  const answer = await fetchWhole(connection, { path, accept: 'application/json', signal })
  if (answer.kind === 'failed')
    return answer.failure.kind === 'not-found' ? { ok: true, value: undefined } : { ok: false, ...answer }
  const served = versionsIn(answer.body.toString('utf8'))
  const version = optional.versions.find((one) => served.includes(one))
  return { ok: true, value: version === undefined ? undefined : inVersion(resource, version) }
}

/** The versions of an APIGroup; none where the text is no such thing. */
function versionsIn(text: string): readonly string[] {
  try {
    const group = asObject(parseJson(text), 'APIGroup')
    return listAt(group, 'versions', '', (from, where) => textAt(from, 'version', where) ?? '') ?? []
  } catch (thrown) {
    errorOf(thrown)
    return []
  }
}
