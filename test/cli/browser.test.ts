// Owns which program opens an address, where there is somebody to look at it.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openerOf } from '../../src/cli/browser.ts'

const url = 'http://127.0.0.1:7676/#/start/1?a=1&b=2'

const CASES: readonly (readonly [
  name: string,
  platform: NodeJS.Platform,
  env: NodeJS.ProcessEnv,
  expected: object | undefined,
])[] = [
  ['macOS has open', 'darwin', {}, { file: 'open', args: [url] }],
  ['a Linux desktop has xdg-open', 'linux', { DISPLAY: ':0' }, { file: 'xdg-open', args: [url] }],
  ['so has one with Wayland', 'linux', { WAYLAND_DISPLAY: 'wayland-0' }, { file: 'xdg-open', args: [url] }],
  ['a Linux without a screen has none', 'linux', {}, undefined],
  ['BROWSER counts wherever it is set', 'linux', { BROWSER: 'firefox' }, { file: 'firefox', args: [url] }],
  [
    'Windows has start, to which & means another command',
    'win32',
    {},
    { file: 'cmd', args: ['/c', 'start', '""', url.replace('&', '^&')] },
  ],
]

for (const [name, platform, env, expected] of CASES)
  test(name, () => {
    assert.deepEqual(openerOf(platform, env, url), expected)
  })
