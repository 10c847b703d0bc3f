import assert from 'node:assert/strict'
import { test } from 'node:test'
import { toMilliseconds, since } from '../../src/base/time.ts'
import type { InFlight } from '../../src/trace/in-flight.ts'
import { stuckSince } from '../../src/trace/in-flight.ts'
import { createPipeline } from '../../src/trace/pipeline.ts'
import { framesOf } from '../support/frames.ts'

/** What of a pod was in flight, at each change of it: what it waited for, and after how many seconds it counted as standing still. */
async function standing(recording: string, pod: string): Promise<string[]> {
  const pipeline = createPipeline()
  const said: string[] = []
  for (const frame of await framesOf(recording)) {
    pipeline.push(frame)
    const start: InFlight | undefined = pipeline.inFlight().find(({ name }) => name === pod)
    if (!start) continue
    const after = Math.round(toMilliseconds(since(stuckSince(start), start.created)) / 1000)
    const line = `${start.operation} from ${after} s`
    if (said.at(-1) !== line) said.push(line)
  }
  return said
}

test('a container that crashes stands still from its first back-off on, through each of its runs', async () => {
  assert.deepEqual((await standing('crash-loop', 'crash')).slice(5), [
    'back-off from 1 s',
    'start container from 1 s',
    'readiness from 1 s',
    'back-off from 1 s',
    'start container from 1 s',
    'readiness from 1 s',
  ])
})

test('so does an image that cannot be pulled, through each try, until it is there', async () => {
  assert.deepEqual((await standing('image-missing', 'late')).slice(2, 7), [
    'pull image from 1 s',
    'back-off from 1 s',
    'pull image from 1 s',
    'unaccounted from 17 s',
    'start container from 17 s',
  ])
})
