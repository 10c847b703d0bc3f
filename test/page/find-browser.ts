// Owns where the browser of the page's tests is.
// Promises a sentence where there is none. Does not open it: browser.ts does.

import { existsSync } from 'node:fs'

const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome-stable']

/** PODSPAN_CHROMIUM names one. */
export const browserPath = (): string | undefined =>
  [process.env['PODSPAN_CHROMIUM'], ...PLACES].find((path) => path !== undefined && existsSync(path))

/** Why the page cannot be tested here; undefined where it can. */
export const whyNoBrowser = (): string | undefined =>
  browserPath() === undefined
    ? "there is no Chromium; 'scripts/install-debian.sh chromium' installs it, and PODSPAN_CHROMIUM names another one"
    : undefined
