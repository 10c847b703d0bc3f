// Owns which taints keep pods off the cluster's nodes now, and which of those a pod does not tolerate.
// Promises the API server's rules (component-helpers/scheduling/corev1, KEP-5471 for the numeric operators), few names whatever the cluster has, and
// none before the nodes have been listed. Does not know what a scheduler said.

import type { NodeRecord, PodRecord, Taint, Toleration } from '../base/record.ts'

interface Known {
  readonly taint: Taint
  nodes: number
  /** Nodes that are not cordoned. */
  open: number
}

/** Only these keep a pod from being bound. */
const KEEPS_OFF: ReadonlySet<string> = new Set(['NoSchedule', 'NoExecute'])
/** A cordoned node is turned down for that, before its taints are looked at, unless a pod tolerates it. */
const CORDONED: Taint = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' }
/** More than anybody reads. */
const NAMES_MAX = 20

export class NodeTaints {
  /** The nodes have been listed. */
  isComplete = false
  private readonly known = new Map<string, Known>()
  /** By name; made again when a taint comes or goes. */
  private sorted: readonly (readonly [text: string, known: Known])[] | undefined

  /** A node came, changed or went. */
  note(before: NodeRecord | undefined, after: NodeRecord | undefined): void {
    if (before?.taints === undefined && after?.taints === undefined) return
    this.count(before, -1)
    this.count(after, 1)
  }

  private count(node: NodeRecord | undefined, by: 1 | -1): void {
    for (const taint of node?.taints ?? []) {
      if (!KEEPS_OFF.has(taint.effect)) continue
      const text = textOf(taint)
      const known = this.known.get(text) ?? { taint, nodes: 0, open: 0 }
      if (known.nodes === 0) this.change(() => this.known.set(text, known))
      known.nodes += by
      if (!node?.unschedulable) known.open += by
      if (known.nodes === 0) this.change(() => this.known.delete(text))
    }
  }

  private change(make: () => unknown): void {
    this.sorted = undefined
    make()
  }

  /** As `kubectl taint` writes them, by name. */
  untolerated({ tolerations = [] }: Pick<PodRecord, 'tolerations'>): string[] {
    if (!this.isComplete) return []
    this.sorted ??= [...this.known].sort(([a], [b]) => (a < b ? -1 : 1))
    const isLetIn = (taint: Taint): boolean => tolerations.some((one) => tolerates(one, taint))
    const ofCordoned = isLetIn(CORDONED)
    const names: string[] = []
    for (const [text, { taint, open }] of this.sorted) {
      if ((open === 0 && !ofCordoned) || isLetIn(taint)) continue
      names.push(text)
      if (names.length === NAMES_MAX) break
    }
    return names
  }
}

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
