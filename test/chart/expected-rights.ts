// Owns how rights are written in tests, `leases.coordination.k8s.io/podspan: get`, and what src/controller/rights.ts says they should be.
// Promises one line per verb, by the namespace that it holds in, `*` for all. Does not read a role.

import { RIGHTS, type Right } from '../../src/controller/rights.ts'

export interface Installation {
  /** Podspan's own namespace. */
  readonly own: string
  /** Empty: the whole cluster. */
  readonly namespaces: readonly string[]
  readonly leaseName: string
  /** Settings that are off, as rights.ts names them. */
  readonly off: readonly NonNullable<Right['feature']>[]
}

export type RightsByPlace = Readonly<Record<string, readonly string[]>>

export function expectedRights(installation: Installation): RightsByPlace {
  const lines = RIGHTS.filter(
    ({ feature }) => feature === undefined || !installation.off.includes(feature),
  ).flatMap((right) =>
    placesOf(right, installation).flatMap((place) =>
      linesOf(right, installation).map((line) => ({ place, line })),
    ),
  )
  return Object.fromEntries(
    [...Map.groupBy(lines, ({ place }) => place)].map(([place, found]) => [
      place,
      [...new Set(found.map(({ line }) => line))].toSorted(),
    ]),
  )
}

/** With listed namespaces nothing is cluster-wide, and the sessions of the own namespace are seen as well. */
function placesOf({ where, group }: Right, { namespaces, own }: Installation): readonly string[] {
  const isWide = namespaces.length === 0
  if (where === 'own') return [own]
  if (where === 'watched' && isWide) return ['*']
  if (where === 'watched') {
    const isOfSessions = group === 'podspan.dev' || group === 'events.k8s.io'
    return [...new Set([...namespaces, ...(isOfSessions ? [own] : [])])]
  }
  if (!isWide) return []
  return [where === 'cluster' ? '*' : where]
}

function linesOf({ group, name, resource, verbs }: Right, { leaseName }: Installation): string[] {
  const object = name === 'lease' ? leaseName : (name ?? '')
  return verbs.map((verb) => rightLine({ group, resource, name: object, verb }))
}

/** As `kubectl auth can-i --list` names resources: the group stands before the subresource. */
export function rightLine(right: Record<'group' | 'resource' | 'name' | 'verb', string>): string {
  const [base = '', subresource] = right.resource.split('/')
  const qualified = `${base}${right.group === '' ? '' : `.${right.group}`}`
  const whole = `${qualified}${subresource === undefined ? '' : `/${subresource}`}`
  return `${whole}${right.name === '' ? '' : `/${right.name}`}: ${right.verb}`
}
