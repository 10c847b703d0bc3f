// Owns what is changed of a pod, and of its Binding, so that its processes find the trace of their own start: a JSON patch, key by key.
// Promises that nothing is overwritten, that what has it already is left alone, and no patch where an object is of another form.
// The chart's policies do the same in CEL (templates/injection.yaml), where the API server has them. Pure.

import {
  CONTEXT_VARIABLE,
  CREATORS_KEY,
  OWN_KEY,
  ownContext,
  parseTraceparent,
} from '../base/trace-context.ts'

export interface Operation {
  readonly op: 'add'
  readonly path: string
  readonly value: unknown
}

type Tree = Readonly<Record<string, unknown>>

/** A Binding is the first that names the pod's UID; the API server copies its annotations to the pod. */
export function patchBinding(binding: unknown): readonly Operation[] {
  const metadata = treeAt(binding, 'metadata')
  const context = ownContext(String(metadata?.['uid'] ?? ''))
  if (context === undefined) return []
  const annotations = treeAt(metadata, 'annotations')
  if (annotations?.[OWN_KEY] !== undefined) return []
  const path = '/metadata/annotations'
  return [...(annotations ? [] : [add(path, {})]), add(`${path}/${escapeKey(OWN_KEY)}`, context)]
}

/** Each container reads the annotation when it starts, which is after binding. */
export function patchPod(pod: unknown): readonly Operation[] {
  const annotations = treeAt(treeAt(pod, 'metadata'), 'annotations')
  const spec = treeAt(pod, 'spec')
  if (!spec || annotations?.[MIRROR_KEY] !== undefined) return []
  const hasCreators = parseTraceparent(String(annotations?.[CREATORS_KEY] ?? '')) !== undefined
  // One that is bound already gets no annotation from us.
  if (spec['nodeName'] && !hasCreators) return []
  const fieldPath = `metadata.annotations['${hasCreators ? CREATORS_KEY : OWN_KEY}']`
  const variable = { name: CONTEXT_VARIABLE, valueFrom: { fieldRef: { fieldPath } } }
  return LISTS.flatMap((list) =>
    listAt(spec, list).flatMap((container, index) =>
      patchContainer(container, `/spec/${list}/${index}/env`, variable),
    ),
  )
}

const MIRROR_KEY = 'kubernetes.io/config.mirror'
const LISTS = ['containers', 'initContainers'] as const

function patchContainer(container: unknown, path: string, variable: Tree): readonly Operation[] {
  if (!isTree(container)) return []
  if (!Array.isArray(container['env'])) return [add(path, [variable])]
  const isSet = container['env'].some((one) => isTree(one) && one['name'] === CONTEXT_VARIABLE)
  return isSet ? [] : [add(`${path}/-`, variable)]
}

const add = (path: string, value: unknown): Operation => ({ op: 'add', path, value })

/** RFC 6901. */
const escapeKey = (key: string): string => key.replaceAll('~', '~0').replaceAll('/', '~1')

const isTree = (value: unknown): value is Tree =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function treeAt(value: unknown, key: string): Tree | undefined {
  const found = isTree(value) ? value[key] : undefined
  return isTree(found) ? found : undefined
}

function listAt(tree: Tree, key: string): readonly unknown[] {
  const found = tree[key]
  return Array.isArray(found) ? found : []
}
