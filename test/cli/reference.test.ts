import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { run } from '../../src/cli/program.ts'
import { assertGolden } from '../support/golden-file.ts'
import { surroundings } from './surroundings.ts'

const root = join(import.meta.dirname, '..', '..')
const COMMANDS = [
  'trace',
  'watch',
  'top',
  'record',
  'replay',
  'advise',
  'rollout',
  'diff',
  'check',
  'session run',
  'session list',
  'session get',
  'ui',
  'controller',
  'completion',
]

async function help(...command: string[]): Promise<string> {
  const { context, out } = surroundings()
  await run([...command, '--help'], context)
  return `\`\`\`\n${out().trim()}\n\`\`\`\n`
}

test('docs/commands.md says what --help says', async () => {
  const sections = await Promise.all(
    COMMANDS.map(async (command) => `## podspan ${command}\n\n${await help(...command.split(' '))}`),
  )
  const head =
    '# Commands\n\nWritten by `make golden` from `podspan --help`; `make verify` fails where it differs.\n'
  assertGolden(join(root, 'docs', 'commands.md'), [head, await help(), ...sections].join('\n'))
})

const BLOCK = /(<!-- waterfall: (\S+) (\S+) -->\n```\n)[^]*?(```\n<!-- \/waterfall -->)/

test('the waterfall in README.md is the one that the recording gives', async () => {
  const path = join(root, 'README.md')
  const readme = readFileSync(path, 'utf8')
  const [, before, recording, pod, after] = BLOCK.exec(readme) ?? []
  const { context, out } = surroundings()
  await run(
    ['replay', join(root, 'test', 'recordings', `${recording}.jsonl.gz`), '--pod', pod ?? ''],
    context,
  )
  const picture = out().split('\n\n').slice(0, 3).join('\n\n')
  assertGolden(
    path,
    readme.replace(BLOCK, () => `${before}${picture}\n${after}`),
  )
})
