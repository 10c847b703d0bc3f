import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  containerInFieldPath,
  imageInMessage,
  isAlreadyPresent,
  isPullError,
  isPullFailure,
  parseGoDuration,
  parsePulled,
} from '../../src/observe/messages.ts'

const DURATIONS: readonly (readonly [text: string, ns: bigint | undefined])[] = [
  ['0s', 0n],
  ['1ns', 1n],
  ['1.5µs', 1_500n],
  ['1.5us', 1_500n],
  ['141ms', 141_000_000n],
  ['1.5s', 1_500_000_000n],
  ['2.345s', 2_345_000_000n],
  ['1m2.345s', 62_345_000_000n],
  ['1h0m0s', 3_600_000_000_000n],
  ['26h3m0.5s', 93_780_500_000_000n],
  ['', undefined],
  ['s', undefined],
  ['-1s', undefined],
  ['1', undefined],
  ['1.s', undefined],
  ['.5s', undefined],
  ['1s 2s', undefined],
  ['1 s', undefined],
  ['1d', undefined],
  ['1,5s', undefined],
]

for (const [text, ns] of DURATIONS) {
  test(`Go prints ${JSON.stringify(text)} for ${ns === undefined ? 'no duration' : `${ns} ns`}`, () => {
    assert.equal(parseGoDuration(text), ns)
  })
}

test('every duration that Go prints in whole milliseconds is read back exactly', () => {
  const millisecond = fc.bigInt({ min: 1n, max: 400n * 3_600_000n })
  fc.assert(
    fc.property(millisecond, (ms) => assert.equal(parseGoDuration(goText(ms)), ms * 1_000_000n)),
    { seed: 7, numRuns: 500 },
  )
})

/** `time.Duration.String()` of whole milliseconds. */
function goText(ms: bigint): string {
  if (ms < 1000n) return `${ms}ms`
  const [hours, minutes] = [ms / 3_600_000n, (ms / 60_000n) % 60n]
  const fraction = (ms % 1000n).toString().padStart(3, '0').replace(/0+$/, '')
  const rest = `${(ms / 1000n) % 60n}${fraction ? `.${fraction}` : ''}s`
  return hours > 0n ? `${hours}h${minutes}m${rest}` : minutes > 0n ? `${minutes}m${rest}` : rest
}

test('1.28 and 1.29 write a pull without its size', () => {
  assert.deepEqual(parsePulled('Successfully pulled image "busybox" in 1.234s (2.345s including waiting)'), {
    image: 'busybox',
    pull: 1_234_000_000n,
    withWaiting: 2_345_000_000n,
  })
})

test('1.30 and later write it with its size', () => {
  const message =
    'Successfully pulled image "localhost:5000/a@sha256:00ff" in 141ms (141ms including waiting). Image size: 2184384 bytes.'
  assert.deepEqual(parsePulled(message), {
    image: 'localhost:5000/a@sha256:00ff',
    pull: 141_000_000n,
    withWaiting: 141_000_000n,
    bytes: 2_184_384,
  })
})

for (const message of [
  'Successfully pulled image "a"',
  'Successfully pulled image "a" in 1s',
  'Successfully pulled image "a" in soon (later including waiting)',
  'Successfully pulled image "a" in 1s (2s including waiting) and more',
  '(combined from similar events): Successfully pulled image "a" in 1s (2s including waiting)',
  'Container image "a" already present on machine',
  '',
]) {
  test(`no durations are guessed from ${JSON.stringify(message)}`, () =>
    assert.equal(parsePulled(message), undefined))
}

test('an image that is there is known by both wordings', () => {
  assert.ok(isAlreadyPresent('Container image "a" already present on machine'))
  assert.ok(isAlreadyPresent('Container image "a" already present on machine and can be accessed by the pod'))
  assert.ok(!isAlreadyPresent('Successfully pulled image "a" in 1s (2s including waiting)'))
})

test('the ways in which a pull fails are told apart', () => {
  assert.ok(isPullFailure('Failed to pull image "a": not found'))
  assert.ok(isPullError('Error: ErrImagePull'))
  assert.ok(isPullError('Error: ErrImageNeverPull'))
  assert.ok(!isPullError('Error: ImagePullBackOff'))
  assert.ok(!isPullError('Error: configmap "a" not found'))
})

test('the image is what stands between the quotes', () => {
  assert.equal(imageInMessage('Pulling image "registry:5000/a/b:1"'), 'registry:5000/a/b:1')
  assert.equal(imageInMessage('Failed to pull image "a": failed to resolve "b"'), 'a')
  assert.equal(imageInMessage('Pulling'), undefined)
})

const PATHS: readonly (readonly [path: string | undefined, container: string | undefined])[] = [
  ['spec.containers{app}', 'app'],
  ['spec.initContainers{prepare}', 'prepare'],
  ['spec.ephemeralContainers{debug}', 'debug'],
  ['spec.containers[0]', undefined],
  ['implicitly required container POD', undefined],
  ['spec.volumes{app}', undefined],
  ['', undefined],
  [undefined, undefined],
]

for (const [path, container] of PATHS) {
  test(`the field path ${path} names ${container ?? 'no container'}`, () =>
    assert.equal(containerInFieldPath(path), container))
}
