import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { podspanImage } from '../../scripts/image.ts'

const dockerfile = readFileSync(join(import.meta.dirname, '..', '..', 'Dockerfile'), 'utf8')
const listIn = (instruction: string): unknown =>
  JSON.parse(new RegExp(`^${instruction} (\\[.*\\])$`, 'm').exec(dockerfile)?.[1] ?? 'null')

test('the image that users build starts as the one that tests run', {
  skip: process.platform !== 'linux',
}, async () => {
  const { entrypoint, command, env, user } = await podspanImage()
  assert.deepEqual(listIn('ENTRYPOINT'), entrypoint)
  assert.deepEqual(listIn('CMD'), command)
  for (const [, variable = ''] of dockerfile.matchAll(/^ENV (MALLOC\S+)$/gm))
    assert.ok(env?.includes(variable))
  assert.match(dockerfile, new RegExp(`^USER ${user}$`, 'm'))
})
