// Owns which sessions take a pod: by target through its owners, by labels, or all, in the namespaces that a session sees.
// Promises to look only at sessions that may match: those of the pod's namespace that name one of its owners or labels, and those
// that choose by neither. Does not know time: whether a pod was created early enough is the session's.

import type { OwnerReference } from '../base/record.ts'
import type { Choice } from './plan.ts'
import { type Labels, selects, selectsAll } from './selector.ts'

export interface PodView {
  readonly namespace: string
  readonly name: string
  readonly labels: Labels
  readonly owners: readonly OwnerReference[]
}

export interface Chooser {
  readonly namespace: string
  readonly choice: Choice
}

/** Only the group of an apiVersion says which kind is meant. */
const keyOf = (apiVersion: string, kind: string, name: string): string =>
  `${apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : ''}/${kind}/${name}`

function targetsOf({ name, owners }: PodView): string[] {
  const keys = owners.map((owner) => keyOf(owner.apiVersion, owner.kind, owner.name))
  keys.push(keyOf('v1', 'Pod', name))
  return keys
}

/** Sessions by what a pod must have for them. */
interface Shelf<S> {
  readonly byTarget: Map<string, Set<S>>
  readonly byLabel: Map<string, Set<S>>
  readonly rest: Set<S>
}

const emptyShelf = <S>(): Shelf<S> => ({ byTarget: new Map(), byLabel: new Map(), rest: new Set() })

export interface Matcher<S> {
  add(session: S): void
  remove(session: S): void
  /** What sessions take has changed, though they choose as before. */
  touch(): void
  namespaces(labels: ReadonlyMap<string, Labels>): void
  matching(pod: PodView): S[]
  /** Whether this one would match, though it may be removed. */
  chooses(session: S, pod: PodView): boolean
  /** Rises whenever an equal pod may match others than before. */
  readonly version: number
}

export function createMatcher<S extends Chooser>(): Matcher<S> {
  const shelves = new Map<string, Shelf<S>>()
  const everywhere = emptyShelf<S>()
  let known: ReadonlyMap<string, Labels> = new Map()
  let version = 0
  const shelfOf = ({ choice, namespace }: S): Shelf<S> => {
    if (choice.namespaces) return everywhere
    const shelf = shelves.get(namespace) ?? emptyShelf<S>()
    shelves.set(namespace, shelf)
    return shelf
  }
  return {
    add: (session) => {
      version += 1
      placesOf(shelfOf(session), session.choice).add(session)
    },
    remove: (session) => {
      version += 1
      const shelf = shelfOf(session)
      placesOf(shelf, session.choice).delete(session)
      prune(shelf, session.choice)
      if (shelf.rest.size + shelf.byTarget.size + shelf.byLabel.size === 0) shelves.delete(session.namespace)
    },
    touch: () => {
      version += 1
    },
    namespaces: (labels) => {
      version += 1
      known = labels
    },
    matching: (pod) => {
      const found: S[] = []
      collect(shelves.get(pod.namespace), pod, found)
      const abroad: S[] = []
      collect(everywhere, pod, abroad)
      for (const one of abroad) if (seesNamespace(one.choice, pod.namespace, known)) found.push(one)
      return found
    },
    chooses: (session, pod) => {
      const { namespaces, target } = session.choice
      const isHere = namespaces
        ? seesNamespace(session.choice, pod.namespace, known)
        : session.namespace === pod.namespace
      if (!isHere || !selectsLabels(session, pod)) return false
      return (
        target === undefined || targetsOf(pod).includes(keyOf(target.apiVersion, target.kind, target.name))
      )
    },
    get version() {
      return version
    },
  }
}

/** The set in which a session stands: exactly one, so that no pod finds it twice. */
function placesOf<S>(shelf: Shelf<S>, choice: Choice): Set<S> {
  const [map, key] = placeOf(shelf, choice)
  if (map === undefined) return shelf.rest
  const place = map.get(key) ?? new Set<S>()
  map.set(key, place)
  return place
}

function prune<S>(shelf: Shelf<S>, choice: Choice): void {
  const [map, key] = placeOf(shelf, choice)
  if (map?.get(key)?.size === 0) map.delete(key)
}

function placeOf<S>(
  { byTarget, byLabel }: Shelf<S>,
  { target, selector }: Choice,
): readonly [map: Map<string, Set<S>> | undefined, key: string] {
  if (target) return [byTarget, keyOf(target.apiVersion, target.kind, target.name)]
  const [label] = Object.entries(selector?.matchLabels ?? {})
  return label ? [byLabel, label.join('=')] : [undefined, '']
}

function collect<S extends Chooser>(shelf: Shelf<S> | undefined, pod: PodView, found: S[]): void {
  if (!shelf) return
  for (const one of shelf.rest) if (selectsLabels(one, pod)) found.push(one)
  if (shelf.byTarget.size > 0) {
    // A pod that two owners of one name lead to is still one pod.
    for (const key of new Set(targetsOf(pod)))
      for (const one of shelf.byTarget.get(key) ?? []) found.push(one)
  }
  if (shelf.byLabel.size === 0) return
  for (const key in pod.labels) {
    for (const one of shelf.byLabel.get(`${key}=${pod.labels[key]}`) ?? []) {
      if (selectsLabels(one, pod)) found.push(one)
    }
  }
}

const selectsLabels = ({ choice: { selector } }: Chooser, { labels }: PodView): boolean =>
  selector === undefined || selects(selector, labels)

function seesNamespace({ namespaces }: Choice, name: string, known: ReadonlyMap<string, Labels>): boolean {
  if (namespaces === undefined) return false
  if (selectsAll(namespaces)) return true
  const labels = known.get(name)
  return labels !== undefined && selects(namespaces, labels)
}
