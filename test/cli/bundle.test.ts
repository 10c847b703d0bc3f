import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'

const root = join(import.meta.dirname, '..', '..')
const bundle = join(root, 'dist', 'podspan.mjs')
const plain = join(root, 'test', 'recordings', 'plain.jsonl.gz')
const burst = join(root, 'test', 'recordings', 'burst.jsonl.gz')
const directory = mkdtempSync(join(tmpdir(), 'podspan-bundle-'))

before(() => {
  if (!existsSync(bundle)) spawnSync(process.execPath, ['scripts/build.ts'], { cwd: root, stdio: 'inherit' })
})
after(() => rmSync(directory, { recursive: true }))

const ESCAPE = '\u001b'
const CYAN = `${ESCAPE}[36m`

interface Ran {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

/** Nothing of this machine's surroundings, so that it looks the same everywhere. */
const ENV = { PATH: process.env['PATH'] ?? '', HOME: directory }

function podspan(
  args: readonly string[],
  options: { readonly input?: Uint8Array; readonly env?: NodeJS.ProcessEnv } = {},
): Ran {
  const { input, env } = options
  const { status, stdout, stderr } = spawnSync(process.execPath, [bundle, ...args], {
    input: input ?? '',
    env: { ...ENV, ...env },
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  })
  return { code: status, out: stdout, err: stderr }
}

test('replay prints the picture and the table on stdout, and nothing on stderr', () => {
  const { code, out, err } = podspan(['replay', plain])
  assert.deepEqual([code, err], [0, ''])
  assert.match(out, /ready after/)
  assert.match(out, /where the time went/)
  assert.ok(out.split('\n').every((line) => line.length <= 100 && !line.includes(ESCAPE)))
})

test('a bad line is told on stderr, and the results on stdout stay the same', () => {
  const path = join(directory, 'bad.jsonl')
  const lines = podspanLines()
  writeFileSync(path, [lines[0], 'garbage', ...lines.slice(1)].join('\n'))
  const { code, out, err } = podspan(['replay', path])
  assert.deepEqual([code, out], [0, podspan(['replay', plain]).out])
  assert.match(
    err,
    /^podspan: .*bad\.jsonl:2 is not JSON and is left out; expected one complete JSON object\.\n$/,
  )
})

function podspanLines(): string[] {
  const unpacked = spawnSync(
    process.execPath,
    ['-e', "process.stdin.pipe(require('zlib').createGunzip()).pipe(process.stdout)"],
    { input: readFileSync(plain), encoding: 'utf8', maxBuffer: 2 ** 28 },
  )
  return unpacked.stdout.trimEnd().split('\n')
}

test('standard input is replayed like a file', () => {
  assert.equal(podspan(['replay', '-'], { input: readFileSync(plain) }).out, podspan(['replay', plain]).out)
})

test('otlp-json is one ExportTraceServiceRequest a line, with hex ids and nothing else on stdout', () => {
  const { code, out } = podspan(['replay', burst, '-o', 'otlp-json'])
  const requests = out
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
  assert.deepEqual([code, requests.length], [0, 40])
  for (const { resourceSpans } of requests) {
    for (const { spans } of resourceSpans.flatMap(
      ({ scopeSpans }: { scopeSpans: unknown[] }) => scopeSpans,
    )) {
      for (const { traceId, spanId, startTimeUnixNano } of spans) {
        assert.match(`${traceId} ${spanId} ${startTimeUnixNano}`, /^[0-9a-f]{32} [0-9a-f]{16} \d{19}$/)
      }
    }
  }
})

test('json is one start a line, slowest first where asked for', () => {
  const { out } = podspan(['replay', burst, '-o', 'json', '--slowest', '3'])
  const starts = out
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { podspan: string; startupMs: number })
  assert.deepEqual(
    starts.map(({ podspan }) => podspan),
    ['start/v1', 'start/v1', 'start/v1'],
  )
  assert.deepEqual(
    starts.map(({ startupMs }) => startupMs),
    starts.map(({ startupMs }) => startupMs).sort((a, b) => b - a),
  )
})

const CODES: readonly { readonly args: readonly string[]; readonly code: number; readonly says: RegExp }[] = [
  {
    args: ['replay', 'none.jsonl'],
    code: 4,
    says: /none\.jsonl does not exist; record one with 'podspan record none/,
  },
  { args: ['replay', join(root, 'package.json')], code: 4, says: /is not a recording: expected JSON lines/ },
  {
    args: ['replay', plain, '--pod', 'nobody'],
    code: 5,
    says: /No start of pod nobody is in .* leave out --pod/,
  },
  { args: ['replay'], code: 2, says: /missing required argument 'files'/ },
  {
    args: ['replay', plain, '--slower-than', 'soon'],
    code: 2,
    says: /Expected a duration such as 500ms, 5s/,
  },
  { args: ['replay', plain, '--width', '7'], code: 2, says: /from 40 to 240/ },
  { args: ['replay', plain, '-o', 'xml'], code: 2, says: /Allowed choices are waterfall, otlp-json, json/ },
  { args: ['explain'], code: 2, says: /unknown command 'explain'/ },
  { args: ['help', 'replai'], code: 2, says: /unknown command 'replai'\n\(Did you mean replay\?\)/ },
  { args: ['replay', plain, '--summary', '-o', 'json'], code: 2, says: /leave it out for --output json/ },
  {
    args: ['replay', plain, '--summary', '--slowest', '2'],
    code: 2,
    says: /'--summary' cannot be used with/,
  },
  { args: ['replay', plain, '--ui', '-o', 'json'], code: 2, says: /'--ui \[port\]' cannot be used with/ },
  {
    args: ['trace', 'web', '--ui', '--no-follow'],
    code: 2,
    says: /cannot be used with option '--no-follow'/,
  },
  { args: ['trace', ''], code: 2, says: /An empty name names nothing/ },
  { args: ['diff', 'deploy/web', '--from', plain], code: 5, says: /Deployment web has no rollout: none of/ },
  {
    args: ['advise', 'deploy/web', '--from', plain],
    code: 5,
    says: /No start of deploy\/web is in .*plain\.jsonl\.gz to learn from/,
  },
  {
    args: ['watch', '--otlp-endpoint', 'nowhere'],
    code: 2,
    says: /--otlp-endpoint "nowhere" is not valid; expected http:/,
  },
  {
    args: ['check', '--kubeconfig', 'none'],
    code: 3,
    says: /No cluster to talk to: none does not exist\. Name one with --kubeconfig/,
  },
  {
    args: ['check', '--kubeconfig', plain],
    code: 3,
    says: /plain\.jsonl\.gz is not a kubeconfig: null byte is not allowed[^\n]*\. Name one with [^\n]*\n$/,
  },
  { args: ['check', '--kubeconfig', root], code: 3, says: /No cluster to talk to: .* is a directory\./ },
  {
    args: ['check', '--kubeconfig', join(root, 'package.json')],
    code: 3,
    says: /package\.json names no current context\./,
  },
]

for (const { args, code, says } of CODES) {
  test(`podspan ${args.map((arg) => arg.replace(`${root}/`, '')).join(' ')} exits with ${code} and says why`, () => {
    const ran = podspan(args)
    assert.deepEqual([ran.code, ran.out], [code, ''])
    assert.match(ran.err, says)
    assert.match(ran.err, /^podspan: /)
    assert.doesNotMatch(ran.err, /\n\s+at /)
  })
}

test('without a kubeconfig it is said where one is looked for, and no server is made up', () => {
  const env = { HOME: directory, KUBECONFIG: '' }
  for (const args of [['top'], ['controller']]) {
    const { code, err } = podspan(args, { env })
    assert.equal(code, 3)
    assert.match(err, /^podspan: No cluster to talk to: KUBECONFIG is not set, there is no ~\/\.kube\/config/)
  }
})

test('output that cannot be written is said, and is no success', { skip: !existsSync('/dev/full') }, () => {
  const full = openSync('/dev/full', 'w')
  const { status, stderr } = spawnSync(process.execPath, [bundle, 'replay', plain], {
    env: ENV,
    stdio: ['ignore', full, 'pipe'],
    encoding: 'utf8',
  })
  assert.equal(status, 4)
  assert.match(stderr, /^podspan: The output cannot be written: ENOSPC: [^\n]*\.\n$/)
})

test('an older Node is told what is needed', () => {
  const pretend = "Object.defineProperty(process, 'versions', { value: { node: '22.1.0' } })"
  const args = ['--import', `data:text/javascript,${encodeURIComponent(pretend)}`, bundle, 'replay', plain]
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { env: ENV, encoding: 'utf8' })
  assert.deepEqual([status, stdout], [3, ''])
  assert.match(stderr, /^podspan: Node 24 or later is needed, and \S+ is v[^\n]*\n$/)
})

test('the version is that of package.json', () => {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }
  assert.deepEqual(podspan(['--version']), { code: 0, out: `${version}\n`, err: '' })
})

test('a reader that has seen enough ends the program quietly', async () => {
  const child = spawn(process.execPath, [bundle, 'replay', burst, '-o', 'json'], {
    env: ENV,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let err = ''
  child.stderr.on('data', (data: Buffer) => {
    err += data.toString()
  })
  child.stdout.once('data', () => child.stdout.destroy())
  const code = await new Promise((resolve) => child.on('close', resolve))
  assert.deepEqual([code, err], [0, ''])
})

test('colour is for those who ask for it or have a terminal', () => {
  assert.ok(podspan(['replay', plain], { env: { FORCE_COLOR: '1' } }).out.includes(CYAN))
  assert.ok(!podspan(['replay', plain], { env: { FORCE_COLOR: '1', NO_COLOR: '1' } }).out.includes(ESCAPE))
})

/** Those of the last recording are there when something of it is. */
async function shownOf(args: readonly string[]): Promise<string[]> {
  const files = ['burst', 'image-missing'].map((name) => join(root, 'test', 'recordings', `${name}.jsonl.gz`))
  const child = spawn(process.execPath, [bundle, 'replay', ...files, '--ui', '0', '--no-open', ...args], {
    env: ENV,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  try {
    const said = await new Promise<string>((resolve) =>
      child.stderr.on('data', (data: Buffer) => resolve(data.toString())),
    )
    for (;;) {
      const answer = await fetch(`${/http:\S+\//.exec(said)?.[0]}api/starts`)
      const { finished } = (await answer.json()) as { finished: readonly { name: string }[] }
      const names = finished.map(({ name }) => name)
      if (names.includes('late')) return names
    }
  } finally {
    child.kill()
  }
}

test('--pod and --slower-than choose what is on the page, too', async () => {
  assert.deepEqual(await shownOf(['--pod', 'image-missing/late']), ['late'])
  assert.deepEqual(await shownOf(['--slower-than', '10s']), ['late'])
  assert.ok((await shownOf([])).length > 1)
})

test('a locale without UTF-8 gets ASCII', () => {
  assert.match(podspan(['replay', plain], { env: { LC_ALL: 'C' } }).out, /^[\x20-\x7e\n]*$/)
})

test('replay loads neither the Kubernetes client nor an exporter', () => {
  const hook = `import { registerHooks } from 'node:module'; registerHooks({ resolve(name, context, next) { if (/client-node|undici|opentelemetry|grpc/.test(name)) console.error(name); return next(name, context) } })`
  const args = [
    '--import',
    `data:text/javascript,${encodeURIComponent(hook)}`,
    join(root, 'src', 'main.ts'),
    'replay',
    plain,
  ]
  const { status, stderr } = spawnSync(process.execPath, args, { env: ENV, encoding: 'utf8' })
  assert.deepEqual([status, stderr], [0, ''])
})

test('a kubeconfig that is named is read, so that what fails is the cluster', () => {
  const path = join(directory, 'kubeconfig.yaml')
  const server = 'http://127.0.0.1:1'
  writeFileSync(
    path,
    `current-context: none
contexts: [{name: none, context: {cluster: none, user: none}}]
clusters: [{name: none, cluster: {server: "${server}", insecure-skip-tls-verify: true}}]
users: [{name: none, user: {}}]
`,
  )
  const { code, err } = podspan(['check', '--kubeconfig', path])
  assert.equal(code, 3)
  assert.match(err, /The cluster at http:\/\/127\.0\.0\.1:1 \(context none\) does not answer/)
})
