// Owns charts/podspan/dashboards: writes each dashboard as the JSON that Grafana reads.
// Promises the same bytes from the same sources. Does not judge what is in the repository: test/dashboards/generated.test.ts compares.

import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fleet } from '../dashboards/fleet.ts'
import { itself } from '../dashboards/itself.ts'
import { node } from '../dashboards/node.ts'
import { workload } from '../dashboards/workload.ts'

/** By its path in the repository, what each generated file should be. */
export function dashboardFiles(): Record<string, string> {
  const made = { fleet, workload, node, itself }
  return Object.fromEntries(
    Object.entries(made).map(([name, make]) => [
      `charts/podspan/dashboards/${name}.json`,
      `${JSON.stringify(make(), undefined, 1)}\n`,
    ]),
  )
}

if (import.meta.main) {
  for (const [path, text] of Object.entries(dashboardFiles())) {
    const file = join(import.meta.dirname, '..', path)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, text)
  }
}
