// Owns the browser of the page's tests: Debian's Chromium, driven as people use it.
// Promises a profile of its own that goes with it, and a browser that asks nobody for anything. Does not open pages: stage.ts does.

import { type Browser, chromium } from 'playwright-core'
import { browserPath, whyNoBrowser } from './find-browser.ts'

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

export function openBrowser(): Promise<Browser> {
  const executablePath = browserPath()
  if (executablePath === undefined) throw new Error(whyNoBrowser())
  return chromium.launch({ executablePath, args: FLAGS })
}
