// Owns where the page's own files come from: the build puts them into the bundle.
// Promises undefined where there is no bundle, so that whoever serves the page can say so, and that they are read when they are asked
// for and not before. Does not build.

import type { PageFiles } from './routes.ts'

/** Filled in by scripts/build.ts, as JSON. */
declare const PODSPAN_PAGE: string

export const pageFiles: (() => PageFiles) | undefined =
  typeof PODSPAN_PAGE === 'string' ? () => JSON.parse(PODSPAN_PAGE) as PageFiles : undefined
