// Owns what other tools make of the lines of a recording: versions left out, fields left out, lists without a word on where they end.
// Promises to change nothing else. Does not judge the traces that follow: the properties do.

type Json = Record<string, unknown>

export interface Line {
  readonly t: bigint
  readonly resource: string
  readonly type: string
  readonly object: Json
  readonly phase?: string
}

export const parseLines = (lines: readonly string[]): Line[] =>
  lines.map((line) => {
    const parsed = JSON.parse(line) as Line & { readonly t: string }
    return { ...parsed, t: BigInt(parsed.t) }
  })

export const textOf = ({ t, ...rest }: Line): string => JSON.stringify({ t: t.toString(), ...rest })

export const metadataOf = ({ object }: Line): Json => (object['metadata'] ?? {}) as Json

const uidOf = (line: Line): string => `${line.resource}/${String(metadataOf(line)['uid'])}`

const isVersionOfPod = ({ resource, type }: Line): boolean => resource === 'pods' && type === 'MODIFIED'

/** Of each pod's versions only every nth, and the last one. */
export function thinned(lines: readonly Line[], nth: number): Line[] {
  const last = new Map<string, Line>()
  const seen = new Map<string, number>()
  for (const line of lines) if (isVersionOfPod(line)) last.set(uidOf(line), line)
  return lines.filter((line) => {
    if (!isVersionOfPod(line) || last.get(uidOf(line)) === line) return true
    const count = (seen.get(uidOf(line)) ?? 0) + 1
    seen.set(uidOf(line), count)
    return count % nth === 0
  })
}

/** As who writes down a watch that has long been running: no list, no bookmark, no phase. */
export const begunLate = (lines: readonly Line[], share: number): Line[] =>
  lines
    .slice(Math.floor(lines.length * share))
    .filter(({ type }) => type !== 'BOOKMARK')
    .map(({ t, resource, type, object }) => ({ t, resource, type, object }))

/** The same without one field of its metadata. */
export const without = (lines: readonly Line[], field: string): Line[] =>
  lines.map((line) => {
    const { [field]: _, ...metadata } = metadataOf(line)
    return { ...line, object: { ...line.object, ...(line.object['metadata'] ? { metadata } : {}) } }
  })

/** Each a second time, so much later, as where two watches were written down as one. */
export const doubled = (lines: readonly Line[], by: bigint): Line[] =>
  lines.flatMap((line) => [line, { ...line, t: line.t + by }])
