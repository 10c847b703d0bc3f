import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Frame } from '../../src/base/frame.ts'
import {
  framesOf,
  isObjectFrame,
  randomFrom,
  readChunks,
  readLines,
  recordingBytes,
  recordingLines,
  recordings,
  runs,
  tracesOf,
} from '../support/frames.ts'
import { violations } from '../support/frames-invariants.ts'
import { normalForm } from '../support/frames-normal.ts'
import { unchangedRelist } from '../support/restart.ts'

/** Every recording's frames are pushed a few times each, with other disturbances each time. */
const RUNS = runs(4)

for (const [place, name] of recordings().entries()) {
  test(`${name}: spans nest, do not end before they start, and the critical path is a partition`, async () => {
    assert.deepEqual(violations(tracesOf(await framesOf(name))), [])
  })

  test(`${name}: a frame that comes twice, at once or later, changes nothing`, async () => {
    const frames = await framesOf(name)
    const whole = normalForm(tracesOf(frames))
    for (let run = 0; run < RUNS; run++) {
      const random = randomFrom(place * 1000 + run)
      assert.deepEqual(normalForm(tracesOf(repeated(frames, random))), whole, `seed ${place * 1000 + run}`)
    }
  })

  test(`${name}: the order of lines in the file does not matter`, async () => {
    const lines = recordingLines(name)
    const whole = normalForm(tracesOf(await framesOf(name)))
    for (let run = 0; run < RUNS; run++) {
      const shuffled = permuted(lines, randomFrom(place * 1000 + run))
      assert.deepEqual(normalForm(tracesOf(await readLines(shuffled))), whole, `seed ${place * 1000 + run}`)
    }
  })

  test(`${name}: an unchanged relist in the middle changes nothing`, async () => {
    const frames = await framesOf(name)
    const whole = normalForm(tracesOf(frames))
    const random = randomFrom(place)
    for (let run = 0; run < RUNS; run++) {
      const at = liveFrom(frames) + Math.floor(random() * (frames.length - 1 - liveFrom(frames)))
      const disturbed = [...frames.slice(0, at), ...unchangedRelist(frames, at), ...frames.slice(at)]
      assert.deepEqual(normalForm(tracesOf(disturbed)), whole, `a relist after frame ${at}`)
    }
  })

  test(`${name}: the bytes may be cut into chunks anywhere`, async () => {
    const bytes = recordingBytes(name)
    const whole = await framesOf(name)
    for (let run = 0; run < RUNS; run++) {
      const { frames, problems } = await readChunks(cut(bytes, randomFrom(place * 1000 + run)))
      assert.deepEqual(problems, [])
      assert.deepEqual(frames, whole)
    }
  })
}

/** The first frame after all lists. */
const liveFrom = (frames: readonly Frame[]): number =>
  frames.findLastIndex((frame) => isObjectFrame(frame) && frame.phase === 'initial') + 1

/** A quarter of the frames twice: directly behind each other, or up to five frames later with the time of that place. */
function repeated(frames: readonly Frame[], random: () => number): Frame[] {
  const out: Frame[] = []
  const late: { readonly frame: Frame; readonly after: number }[] = []
  frames.forEach((frame, index) => {
    out.push(frame)
    for (const one of late.splice(0)) {
      if (one.after > index) late.push(one)
      else if (!isDeletedBy(out, one.frame)) out.push({ ...one.frame, t: frame.t })
    }
    if (!isObjectFrame(frame) || random() > 0.25) return
    if (random() < 0.5) out.push(frame)
    else late.push({ frame, after: index + 1 + Math.floor(random() * 5) })
  })
  const final = out.findIndex((frame) => frame.kind === 'tick' && frame.final)
  return [...out.slice(0, final), ...out.slice(final + 1), out[final] as Frame]
}

const isDeletedBy = (frames: readonly Frame[], frame: Frame): boolean =>
  isObjectFrame(frame) &&
  frames.some((one) => isObjectFrame(one) && one.kind === 'deleted' && one.record.uid === frame.record.uid)

/** Lines in any order; those of one stream and one nanosecond keep theirs, since nothing else tells it. */
function permuted(lines: readonly string[], random: () => number): string[] {
  const [header = '', ...rest] = lines
  const order = rest
    .map((line) => ({ line, at: keyOf(line), place: random() }))
    .sort((a, b) => a.place - b.place)
  const groups = new Map<string, string[]>()
  for (const line of rest) groups.set(keyOf(line), [...(groups.get(keyOf(line)) ?? []), line])
  return [header, ...order.map(({ at }) => groups.get(at)?.shift() ?? '')]
}

const keyOf = (line: string): string => {
  const { t, resource } = JSON.parse(line) as { t: string; resource: string }
  return `${t}/${resource}`
}

function cut(bytes: Uint8Array, random: () => number): Uint8Array[] {
  const chunks: Uint8Array[] = []
  for (let from = 0; from < bytes.length; ) {
    const size = 1 + Math.floor(random() * random() * 4000)
    chunks.push(bytes.subarray(from, from + size))
    from += size
  }
  return chunks
}
