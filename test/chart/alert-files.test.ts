import assert from 'node:assert/strict'
import { test } from 'node:test'
import { stringify } from 'yaml'
import { assertGolden } from '../support/golden-file.ts'
import { FILES, renderGroups } from './alert-rules.ts'
import { noHelm } from './render.ts'

const HEAD =
  '# Rules of the chart with its default values, in the namespace observability. Written by make golden.\n'

test('the alerts of the chart are, with the default values, those of test/alerts', {
  skip: noHelm,
}, async () => {
  const groups = await renderGroups()
  assert.deepEqual(
    groups.map(({ name }) => name),
    Object.keys(FILES),
  )
  for (const group of groups)
    assertGolden(FILES[group.name] ?? '', `${HEAD}${stringify({ groups: [group] }, { lineWidth: 0 })}`)
})
