// Owns which workload and which of its revisions a command line means.
// Promises kubectl's names and short names, and a sentence that lists them for anything else.
// Does not look for them: rollout-live.ts and rollout-recordings.ts do.

import type { Rollout } from '../rollout/rollout.ts'
import { CliError, EXIT } from './exit.ts'
import type { NamedWorkload } from './rollout-feed.ts'
import { parseTarget } from './target.ts'
import { list, neutralise } from './text.ts'

const KINDS: Readonly<Record<string, string>> = {
  deployments: 'Deployment',
  statefulsets: 'StatefulSet',
  daemonsets: 'DaemonSet',
  jobs: 'Job',
}

export interface WorkloadTarget extends NamedWorkload {
  /** The resource's plural name. */
  readonly source: string
}

/** `deploy/web`, `sts/db`, `ds/agent`, `job/work`. */
export function parseWorkload(text: string): WorkloadTarget {
  const parsed = text.includes('/') ? parseTarget(text) : undefined
  const kind = parsed && KINDS[parsed.source]
  if (!parsed || kind === undefined) {
    const hint = text.includes('/') ? '' : `; is it deploy/${neutralise(text)}?`
    const sentence = `${neutralise(text)} rolls nothing out; expected deploy/, sts/, ds/ or job/ before a NAME${hint || '.'}`
    throw new CliError(EXIT.usage, sentence)
  }
  return { source: parsed.source, kind, name: parsed.name }
}

export const titleOf = ({ kind, name }: Pick<NamedWorkload, 'kind' | 'name'>): string =>
  `${kind} ${neutralise(name, 120)}`

/** The one of this revision, by number or hash; of several with one hash the latest. The latest of all where none is asked for. */
export function chooseRollout(
  rollouts: readonly Rollout[],
  revision: string | undefined,
  named: NamedWorkload,
): Rollout {
  const found = findRollout(rollouts, revision)
  if (found) return found
  const known = rollouts.flatMap((one) => one.revision ?? [])
  const which = known.length === 0 ? 'none of its revisions is seen' : `its revisions are ${list(known)}`
  const asked = revision === undefined ? '' : ` ${neutralise(revision)}`
  throw new CliError(EXIT.notFound, `${titleOf(named)} has no rollout${asked}: ${which}.`)
}

export const findRollout = (
  rollouts: readonly Rollout[],
  revision: string | undefined,
): Rollout | undefined =>
  revision === undefined
    ? rollouts.at(-1)
    : rollouts.findLast((one) => one.revision === revision || one.hash === revision || isShort(one, revision))

/** A StatefulSet's pods carry the whole name of their revision; its last part is what people see. */
const isShort = ({ hash }: Rollout, revision: string): boolean => hash?.endsWith(`-${revision}`) ?? false
