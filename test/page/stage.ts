// Owns a page in a browser over a source: server, browser, and the list of what went wrong in the page.
// Promises that nothing of it is left, that the page asks for nothing but its own server, and one time zone and language.
// Does not judge what is shown.

import type { Browser, BrowserContext, Page } from 'playwright-core'
import { systemClock } from '../../src/base/clock.ts'
import { buildPage } from '../../scripts/build-page.ts'
import { type PageServer, startPageServer } from '../../src/web/server.ts'
import type { PageSource } from '../../src/web/source.ts'
import { openBrowser } from './browser.ts'

export interface View {
  readonly width?: number
  readonly height?: number
  readonly theme?: 'light' | 'dark'
}

export interface Shown {
  readonly page: Page
  /** Errors of scripts and of the console, refused by the policy, requests that failed or went elsewhere. */
  readonly problems: string[]
  close(): Promise<void>
}

export interface Stage {
  readonly url: string
  readonly port: number
  /** A page at this address, in a context of its own. */
  open(hash: string, view?: View): Promise<Shown>
  /** The server goes while the pages stay, and another one comes. */
  closeServer(): Promise<void>
  openServer(source: PageSource, port: number): Promise<void>
  close(): Promise<void>
}

const FILES = buildPage()

export async function startStage(source: PageSource, clock = systemClock()): Promise<Stage> {
  const [files, browser] = await Promise.all([FILES, openBrowser()])
  const serve = (of: PageSource, port: number): Promise<PageServer> =>
    startPageServer({
      ...{ source: of, port, clock },
      files: () => files,
      onError: (error) => {
        throw error
      },
    })
  let server = await serve(source, 0)
  return {
    url: server.url,
    port: server.port,
    open: (hash, view = {}) => openPage(browser, server.url, hash, view),
    closeServer: () => server.close(),
    openServer: async (other, port) => {
      server = await serve(other, port)
    },
    close: async () => {
      await browser.close()
      await server.close()
    },
  }
}

export async function openPage(browser: Browser, url: string, hash: string, view: View): Promise<Shown> {
  const context = await browser.newContext({
    viewport: { width: view.width ?? 1440, height: view.height ?? 900 },
    colorScheme: view.theme ?? 'light',
    locale: 'en-GB',
    timezoneId: 'UTC',
    reducedMotion: 'reduce',
  })
  context.setDefaultTimeout(15_000)
  const page = await context.newPage()
  const problems = problemsOf(page, url)
  await page.goto(`${url}${hash}`)
  await settle(page)
  return { page, problems, close: () => closeContext(context) }
}

/** Another address in the same page, as a click on a link takes one there. */
export async function go(page: Page, hash: string): Promise<void> {
  await page.evaluate(`location.hash = ${JSON.stringify(hash)}`)
  await settle(page)
}

const closeContext = (context: BrowserContext): Promise<void> => context.close()

/** A function for the page, whose types are not known here; a text is what the page's policy refuses. */
export function inPage(expression: string): () => unknown {
  // oxlint-disable-next-line typescript/no-implied-eval -- It is written in this file and runs in the browser.
  return new Function(`return ${expression}`) as () => unknown
}

/** Until the first answer is there, and the frame after it is painted. */
export async function settle(page: Page): Promise<void> {
  await page.waitForFunction(inPage(`document.querySelector('.loading') === null`))
  await page.waitForFunction(
    inPage(`document.querySelector('.connection')?.classList.contains('s-loading') === false`),
  )
  await page.evaluate(
    `new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(undefined))))`,
  )
}

function problemsOf(page: Page, url: string): string[] {
  const problems: string[] = []
  page.on('pageerror', (error) => problems.push(error.message))
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') problems.push(message.text())
  })
  page.on('request', (request) => {
    const asked = request.url()
    if (!asked.startsWith(url) && !asked.startsWith('data:')) problems.push(`asked for ${asked}`)
  })
  return problems
}
