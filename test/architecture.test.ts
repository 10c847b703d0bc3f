import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { test } from 'node:test'

const SRC = resolve(import.meta.dirname, '../src')

/** What each folder may import, besides itself; the picture of docs/architecture.md. A folder that is not named here is a mistake. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  base: [],
  decode: ['base'],
  kube: ['base', 'decode'],
  recording: ['base', 'decode'],
  observe: ['base'],
  timeline: ['base', 'observe'],
  operations: ['base', 'observe', 'timeline'],
  trace: ['base', 'observe', 'timeline', 'operations'],
  advise: ['base', 'trace'],
  export: ['base', 'timeline', 'trace'],
  rollout: ['base', 'observe', 'timeline', 'trace'],
  session: ['base', 'timeline', 'operations', 'trace', 'export', 'rollout'],
  metrics: ['base', 'timeline', 'operations', 'trace', 'export', 'rollout', 'session'],
  web: ['base', 'timeline', 'operations', 'trace', 'export', 'rollout', 'session', 'metrics'],
  receive: ['base', 'decode'],
  inject: ['base'],
  cli: [
    'base',
    'decode',
    'kube',
    'recording',
    'timeline',
    'trace',
    'advise',
    'export',
    'rollout',
    'session',
    'controller',
    'web',
  ],
  controller: [
    'base',
    'decode',
    'kube',
    'recording',
    'timeline',
    'trace',
    'export',
    'rollout',
    'session',
    'metrics',
    'web',
    'receive',
    'inject',
  ],
}

/** No clock, no IO, no package: time enters only as a frame's `t`. */
const PURE = ['observe', 'timeline', 'operations', 'trace', 'advise', 'rollout']

/** Imports outside of the allowlist, by file; each is a debt with a reason, and none may be added without one. */
const IMPORT_DEBT: readonly string[] = []

/** The only files that touch the machine's clock, timers, chance or environment: what runs in a browser has no other, and a socket has its own time-out. */
const MACHINE = ['base/clock.ts', 'kube/stream-socket.ts', 'main.ts', 'web/page/now.ts']
const MACHINE_DEBT: readonly string[] = []
const MACHINE_WORDS =
  /\b(Date\.now|new Date\(\)|setTimeout|setInterval|performance\.now|Math\.random|process\.env|process\.hrtime)\b/

/** Modules of Node.js that base/ may use, by file: everything else there is plain computing. */
const BASE_MODULES: Readonly<Record<string, readonly string[]>> = {
  'base/digest.ts': ['node:crypto'],
  'base/proxy.ts': ['node:net'],
}

const LINES_MAX = 500
/** The longest file today. Lower it when it shrinks; raise it only with a reason. */
const LONGEST = 400
const FUNCTION_MAX = 70
/** Functions that are longer, by name; each only makes an object of short ones. */
const FUNCTION_DEBT: readonly string[] = ['export/queue.ts: createQueue']

interface Source {
  /** `timeline/world.ts` */
  readonly path: string
  readonly folder: string
  readonly text: string
  /** The text without comments and the contents of strings. */
  readonly code: string
  readonly imports: readonly string[]
}

const sources: readonly Source[] = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts'))
  .map(readSource)

function readSource(path: string): Source {
  const text = readFileSync(join(SRC, path), 'utf8')
  const imports = [
    ...text.matchAll(/^(?:import|export)\b[^'"]*?from '([^']+)'|import\('([^']+)'\)|^import '([^']+)'/gm),
  ]
  const folder = path.includes('/') ? path.slice(0, path.indexOf('/')) : ''
  return {
    path,
    folder,
    text,
    code: codeOnly(text),
    imports: imports.map(([, a, b, c]) => a ?? b ?? c ?? ''),
  }
}

/** Comments and texts are blanked, so that words in them count for nothing. */
function codeOnly(text: string): string {
  return text
    .replace(/\/\*[\s\S]*?\*\//g, (comment) => comment.replace(/[^\n]/g, ' '))
    .replace(/(^|[^:'"`\\])\/\/.*$/gm, '$1')
    .replace(/'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"/g, "''")
}

/** The folder of src/ that an import leads to; undefined for a package or a module of Node.js. */
function targetOf(source: Source, specifier: string): string | undefined {
  if (!specifier.startsWith('.')) return undefined
  const path = relative(SRC, resolve(SRC, dirname(source.path), specifier))
  return path.includes('/') ? path.slice(0, path.indexOf('/')) : ''
}

test('every folder of src/ has its place in the picture', () => {
  assert.deepEqual(
    [...new Set(sources.map(({ folder }) => folder))].filter((one) => one !== '' && !(one in ALLOWED)),
    [],
  )
})

test('folders import only to the left of themselves and from base/', () => {
  const wrong = sources.flatMap((source) =>
    source.imports
      .filter((specifier) => {
        const target = targetOf(source, specifier)
        if (target === undefined || target === source.folder || source.folder === '') return false
        return !ALLOWED[source.folder]?.includes(target)
      })
      .map((specifier) => `${source.path} imports ${specifier}`),
  )
  assert.deepEqual(wrong, IMPORT_DEBT)
})

test('the pictured order has no circle', () => {
  for (const [folder, left] of Object.entries(ALLOWED))
    for (const other of left)
      assert.ok(!ALLOWED[other]?.includes(folder), `${folder} and ${other} import each other`)
})

/** The files of one circle, each importing the next; types count. */
function findCircle(): string[] | undefined {
  const files = new Map(sources.map((source) => [source.path, source]))
  const done = new Set<string>()
  const visit = (path: string, way: readonly string[]): string[] | undefined => {
    const before = way.indexOf(path)
    if (before >= 0) return [...way.slice(before), path]
    const source = files.get(path)
    if (!source || done.has(path)) return undefined
    for (const specifier of source.imports) {
      if (!specifier.startsWith('.')) continue
      const found = visit(relative(SRC, resolve(SRC, dirname(path), specifier)), [...way, path])
      if (found) return found
    }
    done.add(path)
    return undefined
  }
  for (const path of files.keys()) {
    const found = visit(path, [])
    if (found) return found
  }
  return undefined
}

test('no files import each other in a circle', () => {
  assert.equal(findCircle()?.join(' → '), undefined)
})

test('the middle imports no module of Node.js and no package', () => {
  const wrong = sources
    .filter(({ folder }) => PURE.includes(folder))
    .flatMap(({ path, imports }) =>
      imports
        .filter((specifier) => !specifier.startsWith('.'))
        .map((specifier) => `${path} imports ${specifier}`),
    )
  assert.deepEqual(wrong, [])
})

test('base/ imports no package, and of Node.js only what is named here', () => {
  const wrong = sources
    .filter(({ folder }) => folder === 'base')
    .flatMap(({ path, imports }) =>
      imports
        .filter((specifier) => !specifier.startsWith('.') && !BASE_MODULES[path]?.includes(specifier))
        .map((specifier) => `${path} imports ${specifier}`),
    )
  assert.deepEqual(wrong, [])
})

test("the machine's clock, timers, chance and environment are touched at the edge only", () => {
  const wrong = sources
    .filter(({ path, code }) => !MACHINE.includes(path) && MACHINE_WORDS.test(code))
    .map(({ path, code }) => `${path}: ${MACHINE_WORDS.exec(code)?.[0]}`)
  assert.deepEqual(wrong, MACHINE_DEBT)
})

test('nothing is of type any, and nothing silences the compiler', () => {
  const words = /(?::|\bas|<|\|)\s*any\b(?!\s*of)|any\[\]|@ts-(?:ignore|expect-error|nocheck)/
  const wrong = sources.filter(
    ({ path, code, text }) => words.test(code) || /@ts-(ignore|nocheck)/.test(text) || path === '',
  )
  assert.deepEqual(
    wrong.map(({ path }) => path),
    [],
  )
})

test('nothing is exported by default, and nothing is imported as require', () => {
  const wrong = sources.filter(({ code }) => /^export default\b|\brequire\(/m.test(code))
  assert.deepEqual(
    wrong.map(({ path }) => path),
    [],
  )
})

test('every module begins with what it owns', () => {
  const wrong = sources.filter(({ text }) => !text.replace(/^#!.*\n/, '').startsWith('// '))
  assert.deepEqual(
    wrong.map(({ path }) => path),
    [],
  )
})

test(`no file has more than ${LINES_MAX} lines, nor more than the longest one of today`, () => {
  const lengths = sources.map(({ path, text }) => ({ path, lines: text.split('\n').length - 1 }))
  const long = lengths.filter(({ lines }) => lines > Math.min(LINES_MAX, LONGEST))
  assert.deepEqual(long, [])
})

test(`no function has more than ${FUNCTION_MAX} lines`, () => {
  const long = sources.flatMap(({ path, text }) =>
    functionsOf(text)
      .filter(({ lines }) => lines > FUNCTION_MAX)
      .map(({ name, lines }) => ({ name: `${path}: ${name}`, lines })),
  )
  assert.deepEqual(
    long.filter(({ name }) => !FUNCTION_DEBT.includes(name)),
    [],
  )
})

/** Functions and arrow functions at the top of a module, as the formatter lays them out: to the closing brace at the margin. */
function functionsOf(text: string): { readonly name: string; readonly lines: number }[] {
  const lines = text.split('\n')
  return lines.flatMap((line, from) => {
    const name = /^(?:export )?(?:async )?(?:function\*? (\w+)|const (\w+) = .*=>)/.exec(line)
    if (!name) return []
    const length = lines.slice(from).findIndex((one) => /^[})]/.test(one)) + 1
    return length > 1 && !/^.*[^{(]$/.test(line) ? [{ name: name[1] ?? name[2] ?? '', lines: length }] : []
  })
}
