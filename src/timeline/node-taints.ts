// Owns which taints keep pods off the cluster's nodes now, and which of those a pod does not tolerate.
// Promises the API server's rules (component-helpers/scheduling/corev1, KEP-5471 for the numeric operators) and a size that is bounded by the
// different taints that nodes have. Does not know what a scheduler said.

import type { NodeRecord, PodRecord, Taint, Toleration } from '../base/record.ts'

interface Known {
  readonly taint: Taint
  nodes: number
}

/** Only these keep a pod from being bound. */
const KEEPS_OFF: ReadonlySet<string> = new Set(['NoSchedule', 'NoExecute'])

export class NodeTaints {
  private readonly known = new Map<string, Known>()

  /** A node came, changed or went. */
  note(before: NodeRecord | undefined, after: NodeRecord | undefined): void {
    if (before?.taints === undefined && after?.taints === undefined) return
    for (const taint of keeping(before)) this.count(taint, -1)
    for (const taint of keeping(after)) this.count(taint, 1)
  }

  private count(taint: Taint, by: 1 | -1): void {
    const text = textOf(taint)
    const known = this.known.get(text)
    if (!known) return void this.known.set(text, { taint, nodes: by })
    known.nodes += by
    if (known.nodes === 0) this.known.delete(text)
  }

  /** As `kubectl taint` writes them, those on the most nodes first. */
  untolerated({ tolerations = [] }: Pick<PodRecord, 'tolerations'>): string[] {
    return [...this.known]
      .filter(([, { taint }]) => !tolerations.some((one) => tolerates(one, taint)))
      .sort(([a, { nodes: ofA }], [b, { nodes: ofB }]) => ofB - ofA || (a < b ? -1 : 1))
      .map(([text]) => text)
  }
}

/** A cordoned node is turned down as unschedulable before its taints are looked at. */
const keeping = (node: NodeRecord | undefined): readonly Taint[] =>
  node?.unschedulable ? [] : (node?.taints ?? []).filter(({ effect }) => KEEPS_OFF.has(effect))

const textOf = ({ key, value, effect }: Taint): string => `${key}${value ? `=${value}` : ''}:${effect}`

function tolerates({ effect, key, operator = 'Equal', value = '' }: Toleration, taint: Taint): boolean {
  if (effect && effect !== taint.effect) return false
  if (key && key !== taint.key) return false
  const of = taint.value ?? ''
  switch (operator) {
    case 'Exists':
      return true
    case 'Equal':
    case '':
      return value === of
    case 'Gt':
      return isWhole(of, value) && BigInt(of) > BigInt(value)
    case 'Lt':
      return isWhole(of, value) && BigInt(of) < BigInt(value)
    default:
      return false
  }
}

const isWhole = (...texts: readonly string[]): boolean => texts.every((text) => /^-?\d{1,19}$/.test(text))
