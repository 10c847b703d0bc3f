// Owns `creation refused`: how long the pod's controller had tried in vain to create it, for want of quota or against some other rule.
// Promises refusals of this pod's own owner only, since the owner last got a pod: what it was refused before that, it has got since.
// It lies before the pod's root, since there was no pod.

import { durationNano, SECOND, type UnixNano } from '../base/time.ts'
import { relatedSourceOf } from '../observe/related-event.ts'
import { combine, type Draft } from '../timeline/combine.ts'
import type { Fact } from '../timeline/facts.ts'
import type { Related } from '../timeline/related.ts'
import type { Facts, Milestones } from './milestones.ts'
import type { OperationAttribute } from './operation.ts'
import { comesBefore, type Plan, type Planned } from './plan.ts'

/** Refusals shown one by one, of more the last ones; all are counted as far as their events count them. */
const REFUSALS_MAX = 20
/** Pods of one owner that come within this time of each other come of one go at it. */
const TOGETHER = durationNano(SECOND * 2n)

interface Refusal {
  readonly fact: Fact
  readonly draft: Draft
  readonly at: UnixNano
}

export function planRefused(plan: Plan, facts: Facts, { created }: Milestones): Planned | undefined {
  const [owner] = facts.surroundings.ownersOf(facts.pod)
  const source = owner && relatedSourceOf(owner)
  const related = source && facts.surroundings.related(source, facts.pod.namespace, owner.name)
  if (!related || created.best === undefined) return undefined
  const refusals = refusalsOf(related, facts, created.best)
  const [first] = refusals
  const last = refusals.at(-1)
  if (!first || !last) return undefined
  const end = { ...created }
  comesBefore(plan, first.draft, end)
  return {
    ...{
      name: 'creation refused',
      path: 'creation refused',
      actor: last.fact.detail?.component ?? 'controller',
    },
    ...{ subject: `${owner.kind}/${owner.name}`, start: first.draft, end },
    attributes: attributesOf(refusals, last),
    events: refusals.slice(-REFUSALS_MAX).map(({ fact, at }) => ({
      at,
      name: 'FailedCreate',
      attributes: { 'podspan.reason': fact.detail?.message ?? '', 'podspan.count': fact.index + 1 },
    })),
  }
}

function refusalsOf(related: Related, facts: Facts, created: UnixNano): Refusal[] {
  const before = lastChildBefore(related, facts, created)
  return [...related.facts.values()]
    .filter(({ what, detail }) => what === 'noted' && detail?.reason === 'FailedCreate')
    .filter(({ detail }) => concerns(detail?.message ?? '', facts))
    .map((fact) => ({ fact, draft: combine('noted', fact.stamps, facts.clocks) }))
    .flatMap(({ fact, draft }) => (draft.best === undefined ? [] : [{ fact, draft, at: draft.best }]))
    .filter(({ at }) => at <= created && (before === undefined || at > before))
    .sort((a, b) => (a.at < b.at ? -1 : 1))
}

/** A StatefulSet's pods have names before they are there; all others get theirs with each try. */
function concerns(message: string, { pod }: Facts): boolean {
  const [, named] = /^Create Pod (\S+) in StatefulSet /i.exec(message) ?? []
  return named === undefined || named === pod.name
}

/** When the owner last got a pod, but for those that came together with this one. */
function lastChildBefore(
  { facts: known }: Related,
  { pod, clocks }: Facts,
  created: UnixNano,
): UnixNano | undefined {
  let last: UnixNano | undefined
  for (const { key, detail, stamps } of known.values()) {
    if (!key.startsWith('child/') || detail?.value === pod.uid) continue
    const at = combine('created', stamps, clocks).best
    if (at === undefined || at > created - TOGETHER) continue
    if (last === undefined || at > last) last = at
  }
  return last
}

/** apiserver/pkg/admission/plugin/resourcequota. */
const QUOTA = /(?:exceeded|failed) quota: ([^\s,:]+)/

function attributesOf(refusals: readonly Refusal[], last: Refusal): Record<string, OperationAttribute> {
  const quotas = refusals.flatMap(({ fact }) => QUOTA.exec(fact.detail?.message ?? '')?.[1] ?? [])
  const counted = new Map<string, number>()
  for (const { fact } of refusals)
    counted.set(fact.group, Math.max(counted.get(fact.group) ?? 0, fact.index + 1))
  return {
    'podspan.reason': last.fact.detail?.message ?? '',
    'podspan.refused.count': [...counted.values()].reduce((sum, count) => sum + count, 0),
    ...(quotas.length > 0 ? { 'podspan.refused.quota': [...new Set(quotas)] } : {}),
  }
}
