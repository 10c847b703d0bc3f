// Owns the build: src/main.ts and all it needs, the page too, become dist/podspan.mjs.
// Promises one executable file that needs Node 24 or later and nothing beside it.
// Does not check types: see `make check`.

import { chmodSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build, type Plugin } from 'esbuild'

const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string }

/** Some dependencies are CommonJS and ask for Node's modules by `require`. */
const BANNER = `#!/usr/bin/env node
import { createRequire as __createRequire } from 'node:module'
const require = __createRequire(import.meta.url)`

/**
 * Of client-node only KubeConfig is used, but its index pulls in 16 MB of generated API classes, which every command would parse.
 * An import of anything else from it fails the build, since the files taken here do not export it.
 */
const kubeConfigOnly: Plugin = {
  name: 'kube-config-only',
  setup: ({ onResolve, onLoad }) => {
    const client = dirname(fileURLToPath(import.meta.resolve('@kubernetes/client-node')))
    onResolve({ filter: /^@kubernetes\/client-node$/ }, () => ({ path: join(client, 'config.js') }))
    onResolve({ filter: /^\.\/gen\/index\.js$/ }, ({ importer }) =>
      dirname(importer) === client ? { path: 'gen', namespace: 'kube-config-only' } : undefined,
    )
    onLoad({ filter: /./, namespace: 'kube-config-only' }, () => ({
      contents: "export * from './configuration.js'; export { ServerConfiguration } from './servers.js'",
      resolveDir: join(client, 'gen'),
    }))
  },
}

/** The page: a script, a style sheet and the frame of both, kept in the bundle as text. */
async function buildPage(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: ['src/web/page/main.ts'],
    bundle: true,
    write: false,
    format: 'esm',
    target: 'es2023',
    minify: true,
    legalComments: 'none',
  })
  const read = (name: string): string => readFileSync(`src/web/page/${name}`, 'utf8')
  return JSON.stringify({
    'index.html': { type: 'text/html; charset=utf-8', body: read('index.html') },
    'page.css': { type: 'text/css; charset=utf-8', body: read('page.css') },
    'page.js': { type: 'text/javascript; charset=utf-8', body: outputFiles[0]?.text ?? '' },
  })
}

await build({
  entryPoints: ['src/main.ts'],
  outfile: 'dist/podspan.mjs',
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node24',
  sourcemap: true,
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'none',
  banner: { js: BANNER },
  define: {
    PODSPAN_VERSION: JSON.stringify(version),
    PODSPAN_PAGE: JSON.stringify(await buildPage()),
  },
  plugins: [kubeConfigOnly],
  logLevel: 'warning',
})

// esbuild escapes what is not ASCII in strings, but not in regular expressions.
const strange = readFileSync('dist/podspan.mjs', 'latin1').search(/[\u0080-\u00ff]/)
if (strange >= 0)
  throw new Error(
    `dist/podspan.mjs has a letter outside of ASCII at ${strange}, which would double its source in memory`,
  )
chmodSync('dist/podspan.mjs', 0o755)
