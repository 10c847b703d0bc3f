// Owns the build: src/main.ts and all it needs, the page too, become dist/podspan.mjs.
// Promises one executable file that needs Node 24 or later and nothing beside it.
// Does not check types: see `make check`.

import { chmodSync, readFileSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build, type Plugin } from 'esbuild'
import { buildPage } from './build-page.ts'

const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string }

// Before anything of the bundle runs, and in words that Node 18 reads.
const BANNER = `#!/usr/bin/env node
if (!(parseInt(process.versions.node) >= 24)) {
  console.error('podspan: Node 24 or later is needed, and ' + process.execPath + ' is ' + process.version + '.')
  process.exit(3)
}
const require = process.getBuiltinModule('node:module').createRequire(import.meta.url)`

/**
 * Node's own modules are taken by `require`. An `import` of node:http reads all its exports, among them getters that load the whole of
 * fetch and WebSocket: 14 MB of an idle process.
 */
const builtinsByRequire: Plugin = {
  name: 'builtins-by-require',
  setup: ({ onResolve, onLoad }) => {
    const isBuiltin = (path: string): boolean =>
      path.startsWith('node:') || builtinModules.includes(path.replace(/^node:/, ''))
    onResolve({ filter: /^(node:)?[a-z0-9_/]+$/ }, ({ path, kind }) => {
      if (!isBuiltin(path)) return undefined
      const name = `node:${path.replace(/^node:/, '')}`
      return kind === 'require-call' ? { path: name, external: true } : { path: name, namespace: 'builtin' }
    })
    onLoad({ filter: /./, namespace: 'builtin' }, ({ path }) => ({
      contents: `module.exports = require(${JSON.stringify(path)})`,
    }))
  },
}

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

/**
 * Of undici its dispatchers: neither WebSocket, caches nor mocks, and as fetch, which client-node's API classes name, Node's own.
 * An import of anything else fails the build.
 */
const undiciDispatchers: Plugin = {
  name: 'undici-dispatchers',
  setup: ({ onResolve, onLoad }) => {
    const root = dirname(fileURLToPath(import.meta.resolve('undici')))
    onResolve({ filter: /^undici$/ }, () => ({ path: 'undici', namespace: 'undici-dispatchers' }))
    onLoad({ filter: /./, namespace: 'undici-dispatchers' }, () => ({
      contents: `
        import Dispatcher from './lib/dispatcher/dispatcher.js'
        import api from './lib/api/index.js'
        Object.assign(Dispatcher.prototype, api)
        export { Dispatcher }
        export const fetch = (...args) => globalThis.fetch(...args)
        export { default as Agent } from './lib/dispatcher/agent.js'
        export { default as EnvHttpProxyAgent } from './lib/dispatcher/env-http-proxy-agent.js'
        export { default as ProxyAgent } from './lib/dispatcher/proxy-agent.js'`,
      resolveDir: root,
    }))
  },
}

/** zod brings its messages in 50 languages; ours are English. */
const englishOnly: Plugin = {
  name: 'english-only',
  setup: ({ onResolve, onLoad }) => {
    onResolve({ filter: /\/locales\/index\.js$/ }, ({ importer, path, resolveDir }) =>
      /[\\/]node_modules[\\/]zod[\\/]/.test(importer)
        ? { path: join(resolveDir, path), namespace: 'english-only', sideEffects: false }
        : undefined,
    )
    onLoad({ filter: /./, namespace: 'english-only' }, ({ path }) => ({
      contents: "export { default as en } from './en.js'",
      resolveDir: dirname(path),
    }))
  },
}

await build({
  entryPoints: ['src/main.ts'],
  outfile: 'dist/podspan.mjs',
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node24',
  // Where a package has both, its ES modules: what is not used of them is left out.
  mainFields: ['module', 'main'],
  sourcemap: true,
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'none',
  banner: { js: BANNER },
  define: {
    PODSPAN_VERSION: JSON.stringify(version),
    PODSPAN_PAGE: JSON.stringify(JSON.stringify(await buildPage())),
  },
  plugins: [builtinsByRequire, kubeConfigOnly, undiciDispatchers, englishOnly],
  logLevel: 'warning',
})

// esbuild escapes what is not ASCII in strings, but not in regular expressions.
const strange = readFileSync('dist/podspan.mjs', 'latin1').search(/[\u0080-\u00ff]/)
if (strange >= 0)
  throw new Error(
    `dist/podspan.mjs has a letter outside of ASCII at ${strange}, which would double its source in memory`,
  )
chmodSync('dist/podspan.mjs', 0o755)
