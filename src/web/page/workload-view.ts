// Owns the view of one workload: its starts beside each other, its revisions, and its rollouts.
// Promises to go on as starts come in. Does not fetch starts.

import type { RolloutRow, StartRow } from '../row.ts'
import { h, replace } from './dom.ts'
import { listAddress, readFilter } from './filter.ts'
import { groupBody, heading } from './group-body.ts'
import { onStarts, starts } from './starts.ts'
import { empty, type View } from './view.ts'
import { rolloutTable } from './rollouts-view.ts'
import { followRollouts } from './collections.ts'

export function workloadView(workload: string, namespace: string): View {
  const isOwn = (row: { readonly workload?: string; readonly namespace: string }): boolean =>
    row.workload === workload && (namespace === '' || row.namespace === namespace)
  const body = groupBody()
  const nothing = h('div')
  const rollouts = h('section', { class: 'part-view', 'aria-label': 'Rollouts' })
  const all = listAddress({ ...readFilter(new URLSearchParams()), workload, namespace })
  const table = rolloutTable()
  const element = h(
    'div',
    { class: 'view group' },
    h('div', { class: 'title-line' }, heading(namespace, workload), h('a', { href: all }, 'List its starts')),
    nothing,
    body.element,
    rollouts,
  )
  let shown: readonly StartRow[] = []
  const draw = (): void => {
    const { finished } = starts()
    if (finished === shown) return
    shown = finished
    const rows = finished.filter(isOwn)
    body.element.hidden = rows.length === 0
    replace(
      nothing,
      rows.length === 0
        ? empty('No start of it has been seen', 'What starts from now on appears here.')
        : undefined,
    )
    if (rows.length > 0) body.show(rows)
  }
  const stops = [
    onStarts(draw),
    followRollouts((rows: readonly RolloutRow[]) => {
      const own = rows.filter(isOwn)
      replace(rollouts, ...(own.length === 0 ? [] : [h('h2', {}, 'Rollouts'), table.element]))
      table.show(own)
    }),
  ]
  requestAnimationFrame(draw)
  return {
    title: workload,
    section: 'workloads',
    element,
    close: () => {
      for (const stop of stops) stop()
      body.close()
      table.close()
    },
  }
}
