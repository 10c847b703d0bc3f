// Owns `crds/` and the tables of docs/tracesession.md: writes what the schema of src/session gives, or with --verify compares it.
// Promises the same bytes from the same schema. Does not talk to a cluster.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { stringify } from 'yaml'
import { makeCrd } from '../src/session/crd.ts'
import { withTables } from '../src/session/field-table.ts'

const root = join(import.meta.dirname, '..')
export const CRD_FILE = join(root, 'crds', 'podspan.dev_tracesessions.yaml')
export const DOCS_FILE = join(root, 'docs', 'tracesession.md')

export const crdText = (): string =>
  `# Generated from src/session/schema.ts by scripts/generate-crd.ts.\n${stringify(makeCrd(), { lineWidth: 0, aliasDuplicateObjects: false })}`

/** The page as it should be; the text round its tables is written by hand. */
export function docsText(): string {
  const text = withTables(readFileSync(DOCS_FILE, 'utf8'))
  if (text === undefined) throw new Error(`${DOCS_FILE} has lost the place of a table`)
  return text
}

function run(): void {
  for (const [file, text] of [[CRD_FILE, crdText()] as const, [DOCS_FILE, docsText()] as const]) {
    if (process.argv.includes('--verify')) verify(file, text)
    else {
      mkdirSync(dirname(file), { recursive: true })
      writeFileSync(file, text)
    }
  }
}

function verify(file: string, text: string): void {
  if (readFileSync(file, 'utf8') === text) return
  console.error(`${file} differs from src/session/schema.ts: run node scripts/generate-crd.ts`)
  process.exitCode = 1
}

if (import.meta.main) run()
