// Owns the simulated server's lists: in the order of keys, in pages of one version, until that is compacted away.
// Promises the tokens, the remaining count and the refusals of an API server. Does not send.

import { type Form, listBytes, type Refusal } from './forms.ts'
import type { ServedResource } from './resources.ts'
import { type Wanted } from './selectors.ts'
import { keyOf, type Store, type Stored } from './store.ts'

interface Snapshot {
  readonly version: number
  readonly items: readonly Stored[]
}

interface Token {
  readonly rv: number
  readonly start: string
}

const SNAPSHOTS_MAX = 40

/** A token that continues from whatever there is now. */
const NEWEST = -1
const EXPIRED =
  'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results.'

export class Lists {
  private readonly store: Store
  /** Snapshots of lists under way, by what was asked for and the version. */
  private readonly open = new Map<string, Snapshot>()

  constructor(store: Store) {
    this.store = store
  }

  /** Compaction takes the snapshots of lists under way with it. */
  compact(): void {
    this.open.clear()
  }

  answer(
    resource: ServedResource,
    query: URLSearchParams,
    wanted: Wanted | undefined,
    form: Form,
  ): Buffer | Refusal {
    const asked = Number(query.get('resourceVersion') ?? 0)
    if (asked > this.store.version) return tooLarge(asked, this.store.version)
    const given = query.get('continue')
    const token = given === null || given === '' ? undefined : tokenIn(given)
    if (token === 'none') return { code: 400, reason: 'BadRequest', message: 'continue key is not valid' }
    const snapshot = this.snapshot(resource, query, wanted, token)
    if (!snapshot && token)
      return {
        code: 410,
        reason: 'Expired',
        message: EXPIRED,
        continueToken: tokenText({ ...token, rv: NEWEST }),
      }
    return this.page(resource, query, form, snapshot ?? { version: 0, items: [] }, token)
  }

  private page(
    resource: ServedResource,
    query: URLSearchParams,
    form: Form,
    snapshot: Snapshot,
    token: Token | undefined,
  ): Buffer {
    const begin = token ? snapshot.items.findIndex((one) => keyOf(one) >= token.start) : 0
    const rest = begin < 0 ? [] : snapshot.items.slice(begin)
    const items = rest.slice(0, Number(query.get('limit') ?? 0) || rest.length)
    const next = rest[items.length]
    const metadata = {
      resourceVersion: String(snapshot.version),
      ...(next
        ? {
            continue: tokenText({ rv: snapshot.version, start: keyOf(next) }),
            remainingItemCount: rest.length - items.length,
          }
        : {}),
    }
    if (next) this.keep(snapshotKey(resource, query, snapshot.version), snapshot)
    return listBytes(resource, form, metadata, items)
  }

  /** Who asks for one object to learn the version never comes for the rest. */
  private keep(key: string, snapshot: Snapshot): void {
    this.open.delete(key)
    this.open.set(key, snapshot)
    const [oldest] = this.open.keys()
    if (this.open.size > SNAPSHOTS_MAX && oldest !== undefined) this.open.delete(oldest)
  }

  private snapshot(
    resource: ServedResource,
    query: URLSearchParams,
    wanted: Wanted | undefined,
    token: Token | undefined,
  ): Snapshot | undefined {
    if (token && token.rv !== NEWEST) return this.open.get(snapshotKey(resource, query, token.rv))
    return { version: this.store.version, items: sorted(this.store, resource.plural, wanted) }
  }
}

export function sorted(store: Store, plural: string, wanted: Wanted | undefined): readonly Stored[] {
  const all = store.inOrder(plural)
  return wanted ? all.filter(({ object }) => wanted(object)) : all
}

function snapshotKey({ group, plural }: ServedResource, query: URLSearchParams, version: number): string {
  return [group, plural, query.get('labelSelector'), query.get('fieldSelector'), version].join(' ')
}

const tokenText = ({ rv, start }: Token): string =>
  Buffer.from(JSON.stringify({ v: 'meta.k8s.io/v1', rv, start })).toString('base64url')

function tokenIn(text: string): Token | 'none' {
  try {
    const { rv, start } = JSON.parse(Buffer.from(text, 'base64url').toString()) as Token
    return typeof rv === 'number' && typeof start === 'string' ? { rv, start } : 'none'
  } catch {
    return 'none'
  }
}

const tooLarge = (asked: number, version: number): Refusal => ({
  code: 504,
  reason: 'Timeout',
  message: `Timeout: Too large resource version: ${asked}, current: ${version}`,
  causes: ['ResourceVersionTooLarge'],
})
