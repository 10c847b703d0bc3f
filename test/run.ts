// Owns `make test`: the unit tests, the page in a browser where there is one, then the real cluster and the tests against it where that
// can be, or those against a given one.
// Promises one line on why a part was skipped, a cluster that is taken down whatever happens, each failure once more at the end, and as
// the very last line the sum of all tests: `N passed, N failed, N skipped`. A file of tests that run in real time and fail gets a
// second chance by itself, and is named at the end if it took it. Does not build (make does) and knows no single test.

import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { existsSync, globSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { FOREIGN, foreignKubeconfig } from './cluster/foreign.ts'
import { whyNoBrowser } from './page/find-browser.ts'

type Counts = Record<'passed' | 'failed' | 'skipped', number>

const total: Counts = { passed: 0, failed: 0, skipped: 0 }
/** What the reporter says of each test that counts as failed. */
const failures: string[] = []
/** Files that failed, and passed when they ran again. */
const secondChances: string[] = []
/** Each failure is repeated with this many lines of its text. */
const LINES_PER_FAILURE = 30
const say = (sentence: string): void => console.log(`test: ${sentence}`)
const isE2e = (file: string): boolean => file.endsWith('.e2e.test.ts')
/** Brings a cluster up and down by itself, so that none may be there. */
const isOfCluster = (file: string): boolean => file.endsWith('cluster/clean.test.ts')
/** Runs the operator and the simulator as processes, in real time. */
const isProcess = (file: string): boolean => file.endsWith('.process.test.ts')
/** Opens the page in a browser. */
const isPage = (file: string): boolean => file.endsWith('.page.test.ts')
/** What is named besides options; without a name, all there are. */
const named = process.argv.slice(2).filter((argument) => !argument.startsWith('--'))
const files = named.length > 0 ? named : globSync('test/**/*.test.ts').sort()

const children = new Set<ChildProcess>()
const interrupted = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    interrupted.abort()
    for (const child of children) child.kill('SIGTERM')
  })
}

/** Runs to its end; what it prints is passed on, and its stdout also returned. */
function run(
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): Promise<{ code: number; stdout: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'inherit'] })
    children.add(child)
    let stdout = ''
    child.stdout.on('data', (data: Buffer) => {
      stdout += data.toString()
      process.stdout.write(data)
    })
    child.on('error', reject)
    child.on('close', (code) => {
      children.delete(child)
      resolve({ code: code ?? 1, stdout })
    })
  })
}

const REPORTER = fileURLToPath(new URL('support/count-reporter.ts', import.meta.url))

interface Outcome {
  readonly counts: Counts
  readonly failures: readonly string[]
}

async function outcomeOf(
  args: readonly string[],
  tests: readonly string[],
  env?: NodeJS.ProcessEnv,
): Promise<Outcome> {
  const { code, stdout } = await run(
    process.execPath,
    ['--test', '--test-timeout=900000', `--test-reporter=${REPORTER}`, ...args, ...tests],
    env,
  )
  const counted = /^# passed (\d+) failed (\d+) skipped (\d+)$/m.exec(stdout)
  const [passed, failed, skipped] = (counted ?? []).slice(1).map(Number)
  const counts = { passed: passed ?? 0, failed: failed ?? 0, skipped: skipped ?? 0 }
  const said = stdout.match(/^✖ .*\n {2}.*:\d*\n(?: {2}.*\n)*/gm) ?? []
  // A process that dies without a count, or fails without a failed test, is a failure all the same.
  if (counted !== null && (code === 0 || counts.failed > 0)) return { counts, failures: said }
  const died = `✖ the run of ${tests.length === 1 ? tests[0] : `${tests.length} files`} ended with exit code ${code}\n`
  return { counts: { ...counts, failed: counts.failed + 1 }, failures: [...said, died] }
}

async function runTests(args: readonly string[], tests: readonly string[]): Promise<void> {
  if (tests.length > 0) count(await outcomeOf(args, tests))
}

/**
 * Tests that wait for processes, browsers and clusters, one file after the other. Other work on the machine can hold them up past any
 * wait that is worth writing down, so a file that fails runs again; one that fails for a reason fails again.
 */
async function runInRealTime(tests: readonly string[], env?: NodeJS.ProcessEnv): Promise<void> {
  for (const file of tests) {
    if (interrupted.signal.aborted) return
    const first = await outcomeOf([], [file], env)
    if (first.counts.failed === 0 || interrupted.signal.aborted) {
      count(first)
      continue
    }
    say(`${file} failed, and runs once more`)
    const second = await outcomeOf([], [file], env)
    if (second.counts.failed === 0) secondChances.push(`${file}: ${first.failures.map(nameOf).join('; ')}`)
    count(second)
  }
}

function count(outcome: Outcome): void {
  total.passed += outcome.counts.passed
  total.failed += outcome.counts.failed
  total.skipped += outcome.counts.skipped
  failures.push(...outcome.failures)
}

const nameOf = (failure: string): string => failure.slice(2, failure.indexOf('\n'))

/** Why the tests against the real cluster cannot run here; undefined where they can. */
function whyNoCluster(): string | undefined {
  if (process.env['PODSPAN_E2E'] === 'skip') return 'PODSPAN_E2E=skip says so'
  if (files.filter(isE2e).length === 0) return 'there are none'
  if (process.platform !== 'linux') return `the cluster needs Linux, and this is ${process.platform}`
  if (process.getuid?.() !== 0) return 'the cluster needs root'
  if (!succeeds('go', ['version'])) return 'the cluster is built with Go, and there is none in PATH'
  if (!existsSync('test/cluster/up.ts')) return 'test/cluster is not there'
  return installPackages()
}

function installPackages(): string | undefined {
  if (!existsSync('scripts/install-debian.sh')) return undefined
  if (!succeeds('apt-get', ['--version']))
    return succeeds('iptables', ['--version'])
      ? undefined
      : 'the cluster needs the packages of scripts/install-debian.sh, and this is no Debian'
  say('installing the Debian packages that the cluster needs')
  return succeeds('bash', ['scripts/install-debian.sh'])
    ? undefined
    : 'scripts/install-debian.sh failed; run it by itself to see why'
}

function succeeds(command: string, args: readonly string[]): boolean {
  try {
    execFileSync(command, args, { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

async function runAgainstCluster(): Promise<void> {
  const reason = whyNoCluster()
  if (reason !== undefined) return skip(reason)
  try {
    say('bringing up the real cluster; the first time its components are built, which takes minutes')
    const up = await run(process.execPath, ['test/cluster/up.ts'])
    if (up.code !== 0) return fail('the real cluster did not come up')
    const kubeconfig = /KUBECONFIG=['"]?([^'"\n;]+)/.exec(up.stdout)?.[1]
    const env = { ...process.env, ...(kubeconfig !== undefined && { KUBECONFIG: kubeconfig }) }
    if (!interrupted.signal.aborted) await runInRealTime(files.filter(isE2e), env)
  } finally {
    const down = await run(process.execPath, ['test/cluster/down.ts'])
    if (down.code !== 0) fail('the real cluster could not be taken down cleanly')
  }
  if (interrupted.signal.aborted) return
  await runInRealTime(files.filter(isOfCluster), { ...process.env, PODSPAN_CLUSTER_TEST: '1' })
}

/** Each test says by itself why it cannot run there. */
async function runAgainstForeign(kubeconfig: string): Promise<void> {
  if (process.env['PODSPAN_E2E'] === 'skip') return skip('PODSPAN_E2E=skip says so')
  if (!existsSync(kubeconfig)) return fail(`${FOREIGN} names ${kubeconfig}, and there is no such file`)
  say(`running the tests that any cluster can carry against the one of ${kubeconfig}`)
  await runInRealTime(files.filter(isE2e))
  const others = files.filter(isOfCluster)
  for (const file of others) say(`${file} is skipped: it brings up the cluster of test/cluster.`)
  total.skipped += others.length
}

/** Where the browser may be installed, it is; without one the page's tests are skipped, unless everything is required. */
async function runInBrowser(): Promise<void> {
  const pages = files.filter(isPage)
  if (
    !fastOnly &&
    whyNoBrowser() !== undefined &&
    process.getuid?.() === 0 &&
    succeeds('apt-get', ['--version'])
  ) {
    say('installing Chromium, which the tests of the page need')
    succeeds('bash', ['scripts/install-debian.sh', 'chromium'])
  }
  const reason = whyNoBrowser()
  if (reason === undefined) return runInRealTime(pages)
  if (process.env['PODSPAN_E2E'] === 'require' && !fastOnly)
    return fail(`the tests of the page are required, but ${reason}`)
  say(`the tests of the page are skipped: ${reason}.`)
  total.skipped += pages.length
}

function skip(reason: string): void {
  if (process.env['PODSPAN_E2E'] === 'require')
    return fail(`the tests against a real cluster are required, but ${reason}`)
  say(`the tests against a real cluster are skipped: ${reason}.`)
  total.skipped += files.filter((file) => isE2e(file) || isOfCluster(file)).length
}

function fail(sentence: string): void {
  say(sentence)
  total.failed += 1
  failures.push(`✖ ${sentence}\n`)
}

const fastOnly = process.argv.includes('--fast')

async function runWithoutCluster(): Promise<void> {
  await runTests(
    ['--test-isolation=none'],
    files.filter((file) => !isE2e(file) && !isOfCluster(file) && !isProcess(file) && !isPage(file)),
  )
  if (!fastOnly && !interrupted.signal.aborted) {
    say('running the operator against the simulator, disturbed')
    await runInRealTime(files.filter(isProcess))
  }
  if (!interrupted.signal.aborted) await runInBrowser()
}

if (!process.argv.includes('--cluster')) await runWithoutCluster()
const given = foreignKubeconfig()
if (!fastOnly && !interrupted.signal.aborted)
  await (given === undefined ? runAgainstCluster() : runAgainstForeign(given))
if (interrupted.signal.aborted) fail('interrupted')
for (const file of secondChances) say(`passed only when it ran again: ${file}`)
for (const text of failures) console.log(text.split('\n').slice(0, LINES_PER_FAILURE).join('\n'))
console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`)
process.exitCode = total.failed === 0 && total.passed > 0 ? 0 : 1
