// Owns the check of the bill of materials: that it names every package of package.json that is shipped, with its version.
// Promises one line, and exit code 1 with the names that are missing. Does not write it: npm does.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'

interface Component {
  readonly name: string
  readonly group?: string
  readonly version: string
}

export function missingIn(sbom: string, manifest: string): string[] {
  const { components } = JSON.parse(sbom) as { readonly components: readonly Component[] }
  const named = new Set(
    components.map(
      ({ group, name, version }) => `${group === undefined ? '' : `${group}/`}${name}@${version}`,
    ),
  )
  const { dependencies } = JSON.parse(manifest) as { readonly dependencies: Readonly<Record<string, string>> }
  return Object.entries(dependencies)
    .map(([name, version]) => `${name}@${version}`)
    .filter((one) => !named.has(one))
}

const [file] = process.argv.slice(2)
if (file !== undefined && import.meta.main) {
  const manifest = readFileSync(join(import.meta.dirname, '..', 'package.json'), 'utf8')
  const sbom = readFileSync(file, 'utf8')
  const missing = missingIn(sbom, manifest)
  const { components } = JSON.parse(sbom) as { readonly components: readonly unknown[] }
  console.log(
    missing.length > 0
      ? `sbom: missing ${missing.join(', ')}`
      : `sbom: ${file}, ${components.length} packages`,
  )
  process.exitCode = missing.length > 0 ? 1 : 0
}
