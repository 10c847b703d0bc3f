import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { differencesOf, minorOf } from '../../src/cli/evidence.ts'
import { RECORDINGS } from '../accuracy/offline.ts'
import { triedMinors } from '../cluster/versions.ts'
import { nameOnVersion } from '../scenarios/versions.ts'
import { assertGolden } from '../support/golden-file.ts'
import { type Fact, FACTS, readShown, type Shown } from './evidence.ts'

const PAGE = join(import.meta.dirname, '..', '..', 'docs', 'versions.md')
const TABLE = /(<!-- evidence: from the recordings with-v1-\* -->\n)[^]*?(<!-- \/evidence -->)/

const recorded = triedMinors.filter((minor) =>
  existsSync(join(RECORDINGS, `${nameOnVersion(minor)}.jsonl.gz`)),
)
const shown: ReadonlyMap<number, Shown> = new Map(
  recorded.map((minor) => [minor, readShown(nameOnVersion(minor))]),
)

function table(): string {
  const cells = (row: readonly string[]): string => `| ${row.join(' | ')} |`
  const rows = FACTS.map((fact) => [fact.name, ...[...shown.values()].map(fact.tell)])
  const heads = [...shown.values()].map(({ kubernetes }) => kubernetes.replace(/^v/, ''))
  const rule = ['', ...heads].map(() => '---')
  return `${[['', ...heads], rule, ...rows].map(cells).join('\n')}\n`
}

const factNamed = (part: string): Fact => {
  const fact = FACTS.find(({ name }) => name.includes(part))
  assert.ok(fact, part)
  return fact
}

/** What `podspan check` says, by words of its text, against what a recording shows. */
const CHECKED: readonly { readonly says: RegExp; readonly fact: string; readonly shows: string }[] = [
  { says: /how large a pulled image is/, fact: 'how large the image is', shows: 'yes' },
  { says: /show each call to the container runtime/, fact: 'below its `syncPod`', shows: 'yes' },
  {
    says: /at once when its sandbox and network are up/,
    fact: 'that its sandbox is ready',
    shows: 'at once',
  },
]

describe('what each version tells', () => {
  test('each recording is of the version that its name says', () => {
    assert.ok(shown.size >= 2)
    for (const [minor, { kubernetes }] of shown) assert.equal(minorOf(kubernetes), minor)
  })

  for (const { says, fact, shows } of CHECKED)
    test(`check says ${says.source} of the versions whose recording shows it`, () => {
      for (const [minor, recording] of shown) {
        const holds = differencesOf(minor).find(({ text }) => says.test(text))?.holds
        assert.equal(factNamed(fact).tell(recording) === shows, holds, `1.${minor}`)
      }
    })

  test('docs/versions.md has what the recordings show', () => {
    const page = readFileSync(PAGE, 'utf8')
    assert.match(page, TABLE)
    assertGolden(
      PAGE,
      page.replace(TABLE, (_all, from: string, to: string) => `${from}${table()}${to}`),
    )
  })
})
