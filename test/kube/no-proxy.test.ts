import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isDirect } from '../../src/kube/no-proxy.ts'

const CASES: readonly (readonly [url: string, noProxy: string | undefined, direct: boolean])[] = [
  ['https://10.96.0.1:443', undefined, false],
  ['https://10.96.0.1:443', '', false],
  ['https://10.96.0.1:443', '10.96.0.1', true],
  ['https://10.96.0.1:443', '10.96.0.2, 10.96.0.0/12', true],
  ['https://10.96.0.1:443', '10.0.0.0/16', false],
  ['https://10.96.0.1:6443', '10.96.0.1:443', false],
  ['https://10.96.0.1', '10.96.0.1:443', true],
  ['https://[fd00::1]:443', 'fd00::1', true],
  ['https://[fd00::1]:443', 'fd00::/8', true],
  ['https://api.example.com', 'example.com', true],
  ['https://api.example.com', '.example.com', true],
  ['https://api.example.com', '*.example.com', true],
  ['https://example.com', '.example.com', false],
  ['https://example.com', 'EXAMPLE.com', true],
  ['https://notexample.com', 'example.com', false],
  ['https://anything', '*', true],
  ['https://10.96.0.1', '10.96.0.0/x,10.96.0.0/99', false],
]

for (const [url, noProxy, direct] of CASES)
  test(`${url} is reached ${direct ? 'directly' : 'by the proxy'} where NO_PROXY is ${noProxy ?? 'unset'}`, () => {
    assert.equal(isDirect(url, noProxy), direct)
  })
