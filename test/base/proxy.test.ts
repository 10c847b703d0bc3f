import assert from 'node:assert/strict'
import { test } from 'node:test'
import { proxyFor } from '../../src/base/proxy.ts'

const PROXY = 'http://proxy.example:3128'

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
    const proxy = proxyFor(url, { HTTPS_PROXY: PROXY, NO_PROXY: noProxy })
    assert.equal(proxy, direct ? undefined : PROXY)
  })

test('the scheme chooses the variable', () => {
  const env = { HTTP_PROXY: 'http://plain.example', HTTPS_PROXY: 'http://secure.example' }
  assert.equal(proxyFor('http://collector:4318', env), 'http://plain.example')
  assert.equal(proxyFor('https://collector:4318', env), 'http://secure.example')
})

test('names in lower case count where those in upper case are unset or empty', () => {
  const env = { HTTPS_PROXY: '', https_proxy: PROXY, no_proxy: 'near.example' }
  assert.equal(proxyFor('https://far.example', env), PROXY)
  assert.equal(proxyFor('https://near.example', env), undefined)
})
