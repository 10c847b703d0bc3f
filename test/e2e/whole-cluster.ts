// Owns the right to touch what belongs to a whole cluster: CRDs, an installation of Podspan, rights that hold everywhere.
// Promises that one test at a time has it, and that a CRD with somebody's sessions is never removed.
// Does not remove what a test leaves in namespaces.

import { kubectl } from '../cluster/cluster.ts'
import { ClusterError } from '../cluster/commands.ts'
import { takeLock } from '../cluster/lock.ts'
import { eventually } from '../scenarios/namespaces.ts'

export const CRD = 'tracesessions.podspan.dev'

/** Waits until no other test has it; whoever has it lets go by what is returned. */
export const wholeCluster = (): Promise<() => void> => takeLock('tests of the whole cluster')

const namesOf = async (...args: string[]): Promise<string[]> =>
  (await kubectl(['get', ...args, '--ignore-not-found', '--output', 'name'])).split('\n').filter(Boolean)

/** For a test that installs the CRD itself: one that a killed test has left is removed, unless somebody has sessions. */
export async function withoutCrd(): Promise<void> {
  if ((await namesOf('crd', CRD)).length === 0) return
  const sessions = await namesOf(CRD, '--all-namespaces')
  if (sessions.length > 0)
    throw new ClusterError(
      `this test installs the CRD ${CRD}, which is there already with ${sessions.join(', ')}; remove these, or take another cluster`,
    )
  await kubectl(['delete', 'crd', CRD])
}

/** `kubectl wait` fails at once on one that is so new that it has no conditions. */
export async function established(crds: readonly string[]): Promise<void> {
  const path = 'jsonpath={.status.conditions[?(@.type=="Established")].status}'
  for (const crd of crds)
    await eventually(
      `${crd} is Established`,
      async () => (await kubectl(['get', crd, '--output', path])) === 'True',
      30,
    )
}

/** Applies those of these CRDs (their files by their names) that are not there; returns what removes them again. */
export async function applyMissingCrds(files: ReadonlyMap<string, string>): Promise<() => Promise<void>> {
  const there = await namesOf('crd')
  const missing = [...files].filter(([name]) => !there.some((one) => one.endsWith(`/${name}`)))
  if (missing.length === 0) return async () => {}
  const names = missing.map(([name]) => `crd/${name}`)
  // By the server: a large one does not fit the annotation in which kubectl would keep it.
  await kubectl(['apply', '--server-side', ...missing.flatMap(([, file]) => ['-f', file])])
  await established(names)
  return async () => {
    await kubectl(['delete', '--ignore-not-found', ...names])
  }
}
