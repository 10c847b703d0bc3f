import { join } from 'node:path'
import { test } from 'node:test'
import { run } from '../../src/cli/program.ts'
import { assertGolden } from '../support/golden-file.ts'
import { surroundings } from './surroundings.ts'

const COMMANDS = ['trace', 'watch', 'record', 'replay', 'check']

async function help(...command: string[]): Promise<string> {
  const { context, out } = surroundings()
  await run([...command, '--help'], context)
  return `\`\`\`\n${out().trim()}\n\`\`\`\n`
}

test('docs/commands.md says what --help says', async () => {
  const sections = await Promise.all(
    COMMANDS.map(async (command) => `## podspan ${command}\n\n${await help(command)}`),
  )
  const head =
    '# Commands\n\nWritten by `make golden` from `podspan --help`; `make verify` fails where it differs.\n'
  assertGolden(
    join(import.meta.dirname, '..', '..', 'docs', 'commands.md'),
    [head, await help(), ...sections].join('\n'),
  )
})
