import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { attempt } from './commands.ts'

const commands = join(import.meta.dirname, 'commands.ts')

/** How a script ends whose main function is this. */
const ended = (main: string): ReturnType<typeof attempt> =>
  attempt(process.execPath, [
    '--input-type=module',
    '--eval',
    `import { ClusterError, runScript } from ${JSON.stringify(commands)}; runScript(async () => { ${main} })`,
  ])

test('a script ends with 0, with the exit code it has set, or with 1 and one sentence', async () => {
  assert.equal((await ended('')).code, 0)
  assert.equal((await ended('process.exitCode = 3')).code, 3)
  const { code, stderr } = await ended("throw new ClusterError('no cluster')")
  assert.equal(code, 1)
  assert.equal(stderr.trim(), 'no cluster')
})
