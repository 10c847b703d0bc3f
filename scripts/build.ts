// Owns the build: src/main.ts and all it needs become dist/podspan.mjs.
// Promises one executable file that needs Node 24 or later and nothing beside it.
// Does not check types: see `make check`.

import { chmodSync, readFileSync } from 'node:fs'
import { build } from 'esbuild'

const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string }

/** Some dependencies are CommonJS and ask for Node's modules by `require`. */
const BANNER = `#!/usr/bin/env node
import { createRequire as __createRequire } from 'node:module'
const require = __createRequire(import.meta.url)`

await build({
  entryPoints: ['src/main.ts'],
  outfile: 'dist/podspan.mjs',
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node24',
  sourcemap: true,
  legalComments: 'none',
  banner: { js: BANNER },
  define: { PODSPAN_VERSION: JSON.stringify(version) },
  logLevel: 'warning',
})
chmodSync('dist/podspan.mjs', 0o755)
