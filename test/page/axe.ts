// Owns the check of a page by axe-core: what keeps people with a keyboard or a screen reader out.
// Promises one line for each violation, with where it is. Does not choose rules: all of them count, best practices too.

import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { AxeResults } from 'axe-core'
import type { Page } from 'playwright-core'

const SOURCE = readFileSync(fileURLToPath(import.meta.resolve('axe-core/axe.min.js')), 'utf8')

export async function violationsOf(page: Page): Promise<string[]> {
  await page.evaluate(SOURCE)
  const { violations } = await page.evaluate(() =>
    (globalThis as unknown as { axe: { run(): Promise<AxeResults> } }).axe.run(),
  )
  return violations.flatMap(({ id, help, nodes }) =>
    nodes.slice(0, 3).map(
      ({ html, any }) =>
        `${id}: ${help}: ${html.slice(0, 160)} ${any
          .map(({ message }) => message)
          .join('; ')
          .slice(0, 200)}`,
    ),
  )
}
