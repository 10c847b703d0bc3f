// Owns `make scenarios`: all scenarios or some of them, recorded anew.
// Promises exit code 1 where one failed; the others' recordings are written all the same.
// Usage: run.ts [NAME]… [--out DIRECTORY] [--list]. Does not run a scenario: runner.ts does.

import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { ClusterError, runScript } from '../cluster/commands.ts'
import { scenarios } from './catalogue.ts'
import { karpenterScenarios } from './karpenter.ts'
import { newNodeScenario } from './new-node.ts'
import { runAll } from './runner.ts'
import type { Scenario } from './stage.ts'
import { volumeScenarios } from './volumes.ts'
import { wildScenario } from './wild.ts'

/** All of them where none is named, but for those that run only then; an unknown name is refused. */
export function chooseScenarios(names: readonly string[]): readonly Scenario[] {
  const wild = names.flatMap((name) => wildScenario(name) ?? [])
  const known = [...scenarios, ...karpenterScenarios, newNodeScenario, ...volumeScenarios, ...wild]
  const unknown = names.filter((name) => !known.some((scenario) => scenario.name === name))
  if (unknown.length > 0) throw new ClusterError(`no such scenario: ${unknown.join(', ')}; --list names them`)
  return names.length === 0 ? scenarios : known.filter(({ name }) => names.includes(name))
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      out: { type: 'string', default: join(import.meta.dirname, '..', 'recordings') },
      list: { type: 'boolean', default: false },
    },
  })
  const chosen = chooseScenarios(positionals)
  if (values.list) {
    for (const { name, description } of chosen) process.stdout.write(`${name.padEnd(24)} ${description}\n`)
    return
  }
  await mkdir(values.out, { recursive: true })
  const failed = await runAll(chosen, values.out)
  if (failed.length > 0)
    throw new ClusterError(`${failed.length} of ${chosen.length} scenarios failed: ${failed.join(', ')}`)
}

if (import.meta.main) runScript(main)
