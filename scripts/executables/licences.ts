// Owns the licences of what is inside an executable: the packages that the bundle may hold, each with its own text.
// Promises every package that the lock installs for use, and an error where one has no licence to show.

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

interface Locked {
  readonly version?: string
  readonly license?: string
  readonly dev?: boolean
  readonly optional?: boolean
}

/** More than the bundler takes: what it leaves out of a package is not told apart here. */
export function thirdPartyLicences(lock = 'package-lock.json'): string {
  const { packages } = JSON.parse(readFileSync(lock, 'utf8')) as {
    packages: Readonly<Record<string, Locked>>
  }
  const used = Object.entries(packages).filter(
    ([path, { dev, optional }]) => path !== '' && !dev && !optional,
  )
  return used.map(([path, locked]) => licenceOf(path, locked)).join('\n')
}

function licenceOf(path: string, { version, license }: Locked): string {
  const name = path.replace(/^.*node_modules\//, '')
  const file = readdirSync(path).find((one) => /^(licen[cs]e|copying)/i.test(one))
  if (!file && license === undefined) throw new Error(`${name} ${version} states no licence`)
  const text = file ? readFileSync(join(path, file), 'utf8').trim() : `Licence: ${license}`
  return `${'='.repeat(78)}\n${name} ${version} (${license ?? 'see below'})\n\n${text}\n`
}
