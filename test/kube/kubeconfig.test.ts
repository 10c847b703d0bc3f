// Owns which kubeconfig files count and how several become one: as kubectl has it.

import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { after, test } from 'node:test'
import { loadKubeconfig } from '../../src/kube/kubeconfig.ts'

const directory = mkdtempSync(join(tmpdir(), 'podspan-kubeconfig-'))
after(() => rmSync(directory, { recursive: true, force: true }))

interface Written {
  readonly server: string
  readonly context: string
  readonly cluster?: string
  readonly user?: object
}

function file(path: string, { server, context, cluster = context, user = {} }: Written): string {
  const content = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': context,
    clusters: [{ name: cluster, cluster: { server } }],
    users: [{ name: context, user }],
    contexts: [{ name: context, context: { cluster, user: context } }],
  }
  writeFileSync(join(directory, path), JSON.stringify(content))
  return join(directory, path)
}

const named = (...files: readonly string[]) => ({ env: { KUBECONFIG: files.join(delimiter) } })

test('of several files the first to name a current context, and a cluster, has its way', async () => {
  const first = file('first', { context: 'staging', server: 'https://one.example', cluster: 'shared' })
  const second = file('second', { context: 'production', server: 'https://two.example', cluster: 'shared' })
  const config = await loadKubeconfig(named(first, second))
  assert.equal(config.getCurrentContext(), 'staging')
  assert.equal(config.getCurrentCluster()?.server, 'https://one.example')
  assert.deepEqual(
    config.getContexts().map(({ name }) => name),
    ['staging', 'production'],
  )
})

test('a context of any of them can be chosen', async () => {
  const first = file('a', { context: 'staging', server: 'https://one.example' })
  const second = file('b', { context: 'production', server: 'https://two.example' })
  const config = await loadKubeconfig({ ...named(first, second), context: 'production' })
  assert.equal(config.getCurrentCluster()?.server, 'https://two.example')
})

test('a file of KUBECONFIG that is not there counts for nothing, unless none is', async () => {
  const none = join(directory, 'none')
  const there = file('there', { context: 'here', server: 'https://one.example' })
  assert.equal((await loadKubeconfig(named(none, there))).getCurrentContext(), 'here')
  await assert.rejects(loadKubeconfig(named(none)), /^Error: KUBECONFIG=\S+none names no file that exists$/)
})

test("without KUBECONFIG it is the home directory's, with token files beside it", async () => {
  mkdirSync(join(directory, '.kube'))
  file('.kube/config', { context: 'home', server: 'https://home.example', user: { tokenFile: 'token' } })
  const config = await loadKubeconfig({ env: { HOME: directory } })
  assert.equal(config.getCurrentContext(), 'home')
  assert.deepEqual(config.getCurrentUser()?.authProvider?.config, {
    tokenFile: join(directory, '.kube', 'token'),
  })
})

test('what is no kubeconfig is named among others', async () => {
  const there = file('good', { context: 'here', server: 'https://one.example' })
  await assert.rejects(loadKubeconfig(named(there, directory)), new RegExp(`${directory} is a directory`))
})

test('an empty file of several says nothing, and the only one is an error', async () => {
  const empty = join(directory, 'empty')
  writeFileSync(empty, '\n')
  const there = file('beside-empty', { context: 'here', server: 'https://one.example' })
  for (const files of [
    [empty, there],
    [there, empty],
  ])
    assert.equal((await loadKubeconfig(named(...files))).getCurrentContext(), 'here')
  await assert.rejects(loadKubeconfig(named(empty)), /empty is empty$/)
  await assert.rejects(loadKubeconfig({ kubeconfig: empty }), /empty is empty$/)
})

test('a context that nobody uses may be without a cluster, and the one in use may not', async () => {
  const path = file('half', { context: 'here', server: 'https://one.example' })
  const content = JSON.parse(readFileSync(path, 'utf8')) as { contexts: object[] }
  content.contexts.push({ name: 'half', context: { cluster: '', user: '', namespace: 'shop' } })
  writeFileSync(path, JSON.stringify(content))
  assert.equal((await loadKubeconfig({ kubeconfig: path })).getCurrentContext(), 'here')
  await assert.rejects(
    loadKubeconfig({ kubeconfig: path, context: 'half' }),
    /^Error: context half: not in \S+half, or without a cluster and a user$/,
  )
})
