import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { describe, test } from 'node:test'
import { alertsOf, readGroups } from '../chart/alert-rules.ts'
import { problemsOf } from '../support/promql.ts'

const root = join(import.meta.dirname, '..', '..')
const docs = join(root, 'docs')
const read = (file: string): string => readFileSync(join(docs, file), 'utf8')

const alerts = alertsOf(readGroups()).map(({ alert = '', labels }) => ({
  alert,
  severity: labels['severity'] ?? '',
}))
const names = [...new Set(alerts.map(({ alert }) => alert))]

/** Fenced blocks of one language, also within lists. */
const blocks = (text: string, language: string): string[] =>
  [...text.matchAll(new RegExp(`^ *\`\`\`${language}\\n(.*?)^ *\`\`\``, 'gms'))].map(([, body = '']) =>
    body.trim(),
  )

const COMMANDS = [...read('commands.md').matchAll(/^## podspan (.+)$/gm)].map(([, command]) => command ?? '')

describe('the runbook of each alert', () => {
  for (const name of names)
    test(`says what it means, what it costs, how to find out why, and what to do: ${name}`, () => {
      const text = read(`runbooks/${name}.md`)
      assert.deepEqual(
        [...text.matchAll(/^#+ .*$/gm)].map(([heading]) => heading),
        [`# ${name}`, '## Meaning', '## Impact', '## Diagnosis', '## Mitigation'],
      )
      const [, diagnosis = ''] = /^## Diagnosis\n(.*)^## Mitigation/ms.exec(text) ?? []
      assert.ok(blocks(diagnosis, '(?:promql|sh)').length > 0, 'the diagnosis has commands or queries')
      for (const query of blocks(text, 'promql')) assert.deepEqual(problemsOf(query), [])
      for (const line of blocks(text, 'sh').flatMap((block) => block.split('\n'))) assertCommand(line)
    })

  test('is one of those that docs/alerts.md lists, with its severity', () => {
    const listed = [...read('alerts.md').matchAll(/^\| \[(\w+)\]\(runbooks\/(\w+)\.md\) \| ([a-z, ]+) \|/gm)]
    assert.deepEqual(
      listed.map(([, alert, file, severity]) => [alert, file, severity]),
      names
        .map((name) => [
          name,
          name,
          [...new Set(alerts.filter(({ alert }) => alert === name).map(({ severity }) => severity))].join(
            ', ',
          ),
        ])
        .toSorted(([a], [b]) => order(a ?? '') - order(b ?? '')),
    )
    function order(name: string): number {
      return listed.findIndex(([, alert]) => alert === name)
    }
  })
})

/** Podspan's own are those that it has; the others are of tools that whoever is woken has. */
function assertCommand(line: string): void {
  assert.match(line, /^(podspan|kubectl|helm) /, line)
  if (!line.startsWith('podspan ')) return
  const [, rest = ''] = /^podspan (.*)$/.exec(line.replace(/ +#.*$/, '')) ?? []
  const command = COMMANDS.find((name) => rest === name || rest.startsWith(`${name} `))
  assert.ok(command, `${line} is a command`)
  const [, section = ''] =
    new RegExp(`^## podspan ${command}\\n(.*?)(?=^## |(?![^]))`, 'ms').exec(read('commands.md')) ?? []
  for (const [option] of rest.matchAll(/(?<= )--?[a-z][a-z-]*/g))
    assert.match(section, new RegExp(`(^|[ ,])${option}\\b`, 'm'), `${command} has ${option}`)
}

test('links of runbooks, alerts and dashboards lead to pages that are there', () => {
  for (const file of ['alerts.md', 'dashboards.md', ...names.map((name) => `runbooks/${name}.md`)])
    for (const [, target = ''] of read(file).matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g))
      assert.ok(existsSync(resolve(docs, dirname(file), target)), `${file} links ${target}`)
})

test('dashboards name no runbook that is not there', () => {
  for (const file of globSync(join(root, 'dashboards', '*.ts')))
    for (const [name] of readFileSync(file, 'utf8').matchAll(/\bPodspan[A-Z][a-z]+[A-Z]?\w*\b/g))
      assert.ok(names.includes(name), `${file}: ${name}`)
})
