import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { nest, operation, type Operation, type OperationName } from '../../src/operations/operation.ts'
import { findCriticalPath } from '../../src/trace/critical-path.ts'
import { runs } from '../support/frames.ts'
import { at } from '../support/pods.ts'

const instant = (ms: number) => ({
  best: at(ms),
  earliest: at(ms),
  latest: at(ms),
  source: 'order' as const,
  stamps: [],
})

/** An operation known by its path; the name does not matter here. */
const op = (path: string, from: number, to: number, children: readonly Operation[] = []): Operation =>
  operation({
    name: 'schedule' satisfies OperationName,
    path,
    actor: '',
    start: instant(from),
    end: instant(to),
    children,
  })

/** `root 0-2, a 2-5`, in order of time. */
function pathOf(root: Operation): string {
  const parts = [...findCriticalPath(root)].flatMap(([{ path }, list]) =>
    list.map((part) => ({ path, ...part })),
  )
  parts.sort((a, b) => (a.from < b.from ? -1 : 1))
  const ms = (moment: bigint): number => Number(moment - at(0)) / 1e6
  return parts.map(({ path, from, to }) => `${path} ${ms(from)}-${ms(to)}`).join(', ')
}

/**
 * A row of `=` is an operation, one column a unit of time; the indent of its name is its depth. The path is what was waited for.
 */
const CASES: readonly { readonly name: string; readonly drawn: string; readonly then: string }[] = [
  {
    name: 'nothing in it',
    drawn: `
      root   ==========`,
    then: 'root 0-10',
  },
  {
    name: 'one after the other',
    drawn: `
      root   ==========
        a    ====
        b        ======`,
    then: 'a 0-4, b 4-10',
  },
  {
    name: 'a gap is the root itself',
    drawn: `
      root   ==========
        a    ===
        b         =====`,
    then: 'a 0-3, root 3-5, b 5-10',
  },
  {
    name: 'of two at once the one that ends last',
    drawn: `
      root   ==========
        a    =======
        b    ==========`,
    then: 'b 0-10',
  },
  {
    name: 'before the start of the last one, whatever ended last before it',
    drawn: `
      root   ==========
        a    ======
        b      ===
        c          ====`,
    then: 'a 0-6, c 6-10',
  },
  {
    name: 'one that is overtaken counts until the other begins',
    drawn: `
      root   ==========
        a    ========
        b        ======`,
    then: 'a 0-4, b 4-10',
  },
  {
    name: 'what goes on beside the last one is not waited for',
    drawn: `
      root   ==========
        a    ==
        b      ========
        c        ====`,
    then: 'a 0-2, b 2-10',
  },
  {
    name: 'what ended just when the last one began is what it waited for, whatever went on beside it',
    drawn: `
      root   ==========
        a    ======
        b      =======
        c          ====`,
    then: 'a 0-6, c 6-10',
  },
  {
    // Its start is where the path has got to. To walk into it all the same (`>` in place of `>=`) adds parts of no length, which are none.
    name: 'one that begins where the last one does is not waited for',
    drawn: `
      root   ==========
        a      ========
        b      ====
          c    ==`,
    then: 'root 0-2, a 2-10',
  },
  {
    name: 'the deepest one counts',
    drawn: `
      root   ==========
        a    ==========
          b   ===
          c        ===`,
    then: 'a 0-1, b 1-4, a 4-6, c 6-9, a 9-10',
  },
  {
    name: 'of those that end together the longest',
    drawn: `
      root   ==========
        a    ==========
        b         =====`,
    then: 'a 0-10',
  },
  {
    name: 'one without extent is on no path',
    drawn: `
      root   ==========
        a    =====
        b         |
        c         =====`,
    then: 'a 0-5, c 5-10',
  },
]

for (const { name, drawn, then } of CASES)
  test(`${name}: ${then}`, () => assert.equal(pathOf(read(drawn)), then))

test('what went on when its root was over by itself is waited for by nobody; else it is what was waited for', () => {
  const goesOn = { ...op('back-off', 2, 10), open: true }
  const root = op('root', 0, 10, [op('a', 0, 4), goesOn, op('report', 4, 10)])
  const named = (isOver: boolean): string[] =>
    [...findCriticalPath(root, isOver).keys()].map(({ path }) => path)
  assert.deepEqual(named(true).toSorted(), ['a', 'report'])
  assert.deepEqual(named(false).toSorted(), ['a', 'back-off'])
})

/** Reads a drawing: the column of the first `=` is where it starts. */
function read(drawn: string): Operation {
  const rows = drawn.split('\n').filter((row) => row.trim() !== '')
  const origin = rows[0]?.indexOf('=') ?? 0
  const parsed = rows.map((row) => {
    const [, indent = '', path = '', , bar = ''] = /^( *)(\w+)( +)([=|]+)/.exec(row) ?? []
    const from = row.search(/[=|]/) - origin
    return { depth: indent.length, path, from, to: from + (bar === '|' ? 0 : bar.length) }
  })
  const build = (index: number): Operation => {
    const { depth, path, from, to } = parsed[index] ?? { depth: 0, path: '', from: 0, to: 0 }
    const children: Operation[] = []
    for (let at = index + 1; at < parsed.length && (parsed[at]?.depth ?? 0) > depth; at++)
      if (parsed[at]?.depth === depth + 2) children.push(build(at))
    return op(path, from, to, children)
  }
  return build(0)
}

test('whatever the tree, the parts are a partition of the root', () => {
  const made = (children: fc.Arbitrary<Operation[]>): fc.Arbitrary<Operation> =>
    fc
      .record({ from: fc.nat(100), length: fc.nat(100), path: fc.string(), children })
      .map(({ from, length, path, children: below }) => op(path, from, from + length, below))
  const leaf = made(fc.constant([]))
  const branch = made(fc.array(leaf, { maxLength: 4 }))
  const tree = made(fc.array(fc.oneof(leaf, branch), { maxLength: 6 }))
  fc.assert(
    fc.property(tree, (any) => {
      const root = nested(any)
      const parts = [...findCriticalPath(root)]
        .flatMap(([, list]) => list)
        .sort((a, b) => (a.from < b.from ? -1 : 1))
      let reached = root.start.best
      for (const { from, to } of parts) {
        assert.equal(from, reached)
        assert.ok(to > from)
        reached = to
      }
      assert.equal(reached, root.end.best)
    }),
    { seed: 3, numRuns: runs(500) },
  )
})

const nested = (root: Operation): Operation => ({
  ...root,
  children: root.children.map((child) => nest(child, root)).filter((one) => one !== undefined),
})
