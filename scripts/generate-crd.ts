// Owns `crds/`: writes the CustomResourceDefinition that the schema of src/session gives, or with --verify compares it.
// Promises the same bytes from the same schema. Does not talk to a cluster.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { stringify } from 'yaml'
import { makeCrd } from '../src/session/crd.ts'

export const CRD_FILE = join(import.meta.dirname, '..', 'crds', 'podspan.dev_tracesessions.yaml')

export const crdText = (): string =>
  `# Generated from src/session/schema.ts by scripts/generate-crd.ts.\n${stringify(makeCrd(), { lineWidth: 0, aliasDuplicateObjects: false })}`

function run(): void {
  if (process.argv.includes('--verify')) {
    if (readFileSync(CRD_FILE, 'utf8') === crdText()) return
    console.error('crds/ differs from src/session/schema.ts: run node scripts/generate-crd.ts')
    process.exitCode = 1
    return
  }
  mkdirSync(dirname(CRD_FILE), { recursive: true })
  writeFileSync(CRD_FILE, crdText())
}

if (import.meta.main) run()
