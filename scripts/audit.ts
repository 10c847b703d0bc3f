// Owns the command `make audit`: known vulnerabilities of the packages that are shipped, as the registry tells them.
// Promises exit code 1 where there is one that is high or critical, and a plain sentence, never a pass, where the registry does not answer.
// Does not judge packages for development.

import { spawnSync } from 'node:child_process'

interface Report {
  readonly error?: { readonly summary?: string; readonly code?: string }
  readonly message?: string
  readonly metadata?: { readonly vulnerabilities: Readonly<Record<string, number>> }
  readonly vulnerabilities?: Readonly<Record<string, { readonly severity: string; readonly range: string }>>
}

const { stdout } = spawnSync('npm', ['audit', '--omit=dev', '--json'], { encoding: 'utf8' })
const report = read(stdout)
const counts = report.metadata?.vulnerabilities
if (!counts) {
  const why = report.error?.summary || report.message || report.error?.code || 'no answer'
  console.log(
    `audit: not done, this registry does not answer such questions (${why.trim()}). Run it where it does.`,
  )
} else {
  const grave = Object.entries(report.vulnerabilities ?? {}).filter(([, { severity }]) =>
    /high|critical/.test(severity),
  )
  for (const [name, { range, severity }] of grave) console.log(`audit: ${name} ${range}: ${severity}`)
  const told = ['low', 'moderate', 'high', 'critical']
    .map((level) => `${counts[level] ?? 0} ${level}`)
    .join(', ')
  console.log(`audit: ${told}`)
  process.exitCode = grave.length > 0 ? 1 : 0
}

function read(text: string): Report {
  try {
    return JSON.parse(text) as Report
  } catch {
    return { message: text.slice(0, 200) }
  }
}
