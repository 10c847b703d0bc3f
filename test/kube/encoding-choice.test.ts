// Owns when a stream asks for JSON in place of protobuf.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { streamCounters } from '../../src/kube/counters.ts'
import { EncodingChoice } from '../../src/kube/encoding-choice.ts'

test('what protobuf could not read is asked for once as JSON', () => {
  const counters = streamCounters()
  const choice = new EncodingChoice('protobuf', counters, 3)
  assert.equal(choice.current(), 'protobuf')
  choice.fallBack()
  assert.equal(choice.current(), 'json')
  choice.retake()
  assert.equal(choice.current(), 'protobuf')
  assert.equal(counters.jsonFallbacks, 1)
})

test('a stream that protobuf cannot read again and again stays with JSON', () => {
  const counters = streamCounters()
  const choice = new EncodingChoice('protobuf', counters, 3)
  for (let time = 0; time < 3; time++) {
    choice.retake()
    choice.fallBack()
  }
  choice.retake()
  assert.equal(choice.current(), 'json')
  choice.fallBack()
  assert.equal(counters.jsonFallbacks, 3)
})

test('a stream of JSON has nothing to fall back to', () => {
  const counters = streamCounters()
  const choice = new EncodingChoice('json', counters, 3)
  choice.fallBack()
  choice.retake()
  assert.equal(choice.current(), 'json')
  assert.equal(counters.jsonFallbacks, 0)
})
