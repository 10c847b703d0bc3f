// Owns how far a stream of pods has been seen, and when.
// Promises each case by the frames that a watch delivers. Does not know what the marks are used for.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Frame, Phase } from '../../src/base/frame.ts'
import { createProgress, type Progress } from '../../src/controller/progress.ts'
import { at, recordOf } from './handover-simulation.ts'

const object = (ms: number, version: number | string, phase: Phase = 'live'): Frame => ({
  kind: 'modified',
  t: at(ms),
  source: 'pods',
  phase,
  record: recordOf({ n: 1, namespace: 'shop', createdMs: 0, version: Number(version) }),
})

const synced = (ms: number, version?: string): Frame => ({
  kind: 'synced',
  t: at(ms),
  source: 'pods',
  ...(version !== undefined && { version }),
})

const gap = (ms: number): Frame => ({ kind: 'gap', t: at(ms), source: 'pods', reason: 'expired' })

const seeing = (...frames: readonly Frame[]): Progress => {
  const progress = createProgress()
  for (const frame of frames) progress.see('', frame)
  return progress
}

const versionAt = (progress: Progress, ms: number): string | undefined => progress.at(at(ms)).get('')?.version

test('the mark stands still while a list arrives in any order, and goes on with the version of the list', () => {
  const progress = seeing(object(0, 50, 'initial'), object(1, 10, 'initial'))
  assert.deepEqual([...progress.at(at(1))], [['', undefined]])
  progress.see('', synced(2, '70'))
  assert.equal(versionAt(progress, 2), '70')
  assert.equal(progress.bound(''), '70')
  progress.see('', object(1000, 80))
  assert.equal(progress.bound(''), '80')
  progress.see('', gap(2000))
  progress.see('', object(2001, 120, 'relist'))
  assert.equal(progress.bound(''), undefined)
  assert.equal(versionAt(progress, 2001), '80')
  progress.see('', object(2002, 110, 'relist'))
  progress.see('', synced(2003, '130'))
  assert.equal(versionAt(progress, 2003), '130')
  assert.equal(versionAt(progress, 1500), '80')
})

test('a namespace without any pods has a mark, and when it was heard', () => {
  const progress = seeing(synced(3, '70'))
  assert.deepEqual(progress.at(at(3)).get(''), { version: '70', at: at(3) })
  assert.deepEqual(progress.at(at(60_000)).get(''), { version: '70', at: at(3) })
  assert.equal(versionAt(progress, 2), undefined)
})

test('a list of a lower version than was seen begins anew: the store was restored from a backup', () => {
  const progress = seeing(synced(0, '70'), object(1000, 90))
  assert.equal(progress.see('', gap(2000)), false)
  assert.equal(progress.see('', object(2001, 60, 'relist')), false)
  assert.equal(progress.see('', synced(2002, '65')), true)
  assert.equal(progress.bound(''), '65')
  assert.equal(versionAt(progress, 1500), undefined)
})

test('a stream that has not begun is not there', () => {
  const progress = seeing(synced(3, '70'))
  assert.equal(progress.at(at(3)).has('shop'), false)
  assert.equal(progress.bound('shop'), undefined)
})

test('a list of two versions reaches nowhere; what is live after it does', () => {
  const progress = seeing(synced(0, '5'), gap(1), object(2, 9, 'relist'), synced(3))
  assert.equal(versionAt(progress, 3), '5')
  assert.equal(progress.bound(''), undefined)
  progress.see('', object(1000, 10))
  assert.equal(versionAt(progress, 1000), '10')
})

test('a frame that could not be read is no list: the mark goes on with the next live one', () => {
  const progress = seeing(synced(0, '5'), gap(1), object(500, 7))
  assert.equal(versionAt(progress, 500), '7')
})

test('what a watch catches up with after it was away moves the mark on, in order', () => {
  const progress = seeing(synced(0, '5'), object(500, 7, 'relist'))
  assert.equal(versionAt(progress, 500), '7')
})

test('a busy stream has a mark for every moment of the time that is kept', () => {
  const progress = seeing(synced(0, '1000'))
  for (let ms = 0; ms < 60_000; ms += 7) progress.see('', object(ms, 1000 + ms))
  for (const agoMs of [0, 100, 1000, 5000, 9000]) {
    const version = Number(versionAt(progress, 59_990 - agoMs))
    assert.ok(version <= 1000 + 59_990 - agoMs, `${agoMs} ms ago: ${version}`)
    assert.ok(version >= 1000 + 59_990 - agoMs - 220, `${agoMs} ms ago: ${version}`)
  }
})

test('hours of a busy stream keep few samples, and the beginning', () => {
  const progress = seeing(synced(0, '1000'))
  for (let second = 0; second < 7200; second += 0.2)
    progress.see('', object(second * 1000, 1000 + Math.round(second * 10)))
  for (const second of [10, 600, 3600, 7000, 7190]) {
    const version = Number(versionAt(progress, second * 1000))
    assert.ok(version <= 1000 + second * 10, `${second} s: ${version}`)
    assert.ok(version >= 1000, `${second} s: ${version}`)
  }
  assert.ok(Number(versionAt(progress, 7_190_000)) >= 1000 + 71_890)
})
