import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Claimants } from '../../src/timeline/claimants.ts'

const MOST = 100

/** Pods of few names, so that a name comes again with another UID; some UIDs are no UUIDs. */
const pods = fc.array(
  fc.record({
    name: fc.nat({ max: 200 }).map((number) => `shop/web-${number}`),
    life: fc.nat({ max: 3 }),
  }),
  { maxLength: 1000 },
)
const uidOf = (name: string, life: number): string =>
  life === 3
    ? `${name}#${life}`
    : `0000000${life}-0000-4000-8000-${name.slice('shop/web-'.length).padStart(12, '0')}`

test('each name has the last pod that had it, or none', () => {
  fc.assert(
    fc.property(pods, (taken) => {
      const claimants = new Claimants(MOST)
      const last = new Map<string, string>()
      let forgotten = 0
      for (const { name, life } of taken) {
        const uid = uidOf(name, life)
        forgotten += claimants.set(name, uid)
        last.set(name, uid)
        assert.equal(claimants.get(name), uid)
      }
      let known = 0
      for (const [name, uid] of last) {
        const found = claimants.get(name)
        if (found !== undefined) known += 1
        assert.ok(found === undefined || found === uid)
      }
      assert.ok(known <= MOST && (forgotten > 0 || known === last.size))
    }),
  )
})

test('of too many, those that came first are forgotten, and counted', () => {
  const claimants = new Claimants(3)
  const add = (number: number): number => claimants.set(`shop/web-${number}`, uidOf(`shop/web-${number}`, 0))
  assert.deepEqual([1, 2, 3, 1, 4, 5].map(add), [0, 0, 0, 0, 1, 1])
  const known = [1, 2, 3, 4, 5].filter((number) => claimants.get(`shop/web-${number}`) !== undefined)
  assert.deepEqual(known, [3, 4, 5])
})

test('a pod that is shown with another name has that one', () => {
  const claimants = new Claimants()
  claimants.set('shop/web-1', 'a')
  claimants.set('shop/web-2', 'a')
  assert.equal(claimants.get('shop/web-1'), undefined)
  assert.equal(claimants.get('shop/web-2'), 'a')
})
