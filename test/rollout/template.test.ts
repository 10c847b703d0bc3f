import assert from 'node:assert/strict'
import { test } from 'node:test'
import { differencesOf, differencesOfSealed, imagesIn, sealTemplate } from '../../src/rollout/template.ts'

const template = (container: object, more: object = {}) => ({
  metadata: { labels: { app: 'web' } },
  spec: { containers: [{ name: 'app', image: 'web:1', ...container }], ...more },
})

test('equal templates differ in nothing', () => {
  assert.deepEqual(differencesOf(template({}), template({})), [])
})

test('an image is told from what to what', () => {
  assert.deepEqual(differencesOf(template({}), template({ image: 'web:2' })), [
    { path: 'containers[app].image', from: 'web:1', to: 'web:2' },
  ])
})

test('no value leaves but an image: what a variable is set to stays inside', () => {
  const secret = (value: string) => template({ env: [{ name: 'TOKEN', value }] })
  const found = differencesOf(secret('hunter2'), secret('correct horse'))
  assert.deepEqual(found, [{ path: 'containers[app].env[TOKEN].value' }])
  assert.doesNotMatch(JSON.stringify(found), /hunter2|correct horse/)
})

test('a container that is added is one difference', () => {
  const added = template(
    {},
    {
      containers: [
        { name: 'app', image: 'web:1' },
        { name: 'proxy', image: 'proxy:3' },
      ],
    },
  )
  assert.deepEqual(differencesOf(template({}), added), [{ path: 'containers[proxy]' }])
})

test('labels and lists without names are told by their path', () => {
  const before = { metadata: { labels: { app: 'web' } }, spec: { tolerations: [{ key: 'a' }] } }
  const after = { metadata: { labels: { app: 'web', tier: 'x' } }, spec: { tolerations: [{ key: 'b' }] } }
  assert.deepEqual(
    differencesOf(before, after).map(({ path }) => path),
    ['metadata.labels.tier', 'tolerations'],
  )
})

test('thousands of differences are cut, and a template that nests without end is no trouble', () => {
  const many = (offset: number) => ({
    spec: Object.fromEntries(Array.from({ length: 3000 }, (_, n) => [`k${n}`, n + offset])),
  })
  assert.equal(differencesOf(many(0), many(1)).length, 40)
  const deep = (leaf: number): object =>
    Array.from({ length: 500 }).reduce<object>((inner) => ({ a: inner }), { leaf })
  assert.equal(differencesOf({ spec: deep(1) }, { spec: deep(2) }).length, 1)
})

test('the images of init containers and containers are found by name', () => {
  const images = imagesIn(template({}, { initContainers: [{ name: 'migrate', image: 'tool:9' }] }))
  assert.deepEqual(
    [...images],
    [
      ['migrate', 'tool:9'],
      ['app', 'web:1'],
    ],
  )
})

test('a sealed template differs in the same fields, and holds nothing but images and names to read', () => {
  const secret = (value: string, image: string) =>
    template({ image, env: [{ name: 'TOKEN', value }], args: ['--password', value], ports: [{ port: 80 }] })
  const [before, after] = [secret('hunter2', 'web:1'), secret('correct horse', 'web:2')]
  const [sealedBefore, sealedAfter] = [before, after].map(sealTemplate)
  assert.ok(sealedBefore && sealedAfter)
  assert.deepEqual(differencesOfSealed(sealedBefore, sealedAfter), differencesOf(before, after))
  assert.deepEqual(differencesOfSealed(sealedBefore, sealTemplate(before)), [])
  assert.doesNotMatch(sealedBefore + sealedAfter, /hunter2|correct horse|--password/)
})
