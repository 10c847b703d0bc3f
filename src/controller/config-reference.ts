// Owns the text of docs/configuration.md: every setting with its flag, variable, default, range and purpose.
// Promises to say what the schema says, since it is made from it; a test holds the file to it.
// Does not check values.

import { CONFIG_KEYS, type SchemaNode, SETTINGS, type Setting } from './config-settings.ts'

const HEAD = `# Configuration of \`podspan controller\`

Written by \`make golden\` from the schema in \`src/controller/config-schema.ts\`; \`make verify\` fails where it differs.

A setting is taken from the first of these that has it: a flag, a \`PODSPAN_\` variable, the file, the default. All of it is read
at the start and checked whole: the process ends with exit code 2 and names every wrong value with its flag, variable or line,
its path and what was expected. A key that does not exist is refused, with the nearest one that does.

\`\`\`sh
podspan controller --config /etc/podspan/config.yaml                  # or PODSPAN_CONFIG; this path is the default, where it exists
podspan controller --config config.yaml --check-config                # says what is wrong, or prints what would be used; exit code 0 or 2
PODSPAN_LOG_LEVEL=debug podspan controller --start-timeout 20m        # a flag is stronger than a variable, a variable than the file
\`\`\`

The file is YAML (so JSON too). An empty key counts as unset. Durations are written as in Go: \`500ms\`, \`10s\`, \`1h30m\`.
\`--check-config\` reads the text only: that files of certificates and headers exist is checked when the controller starts.

The file and the files that exporters name are looked at every 10 seconds. What changes under \`exporters\` takes effect without a
restart: a changed exporter sends what waits by its new settings, and a removed one sends what it can for up to 30 seconds. A wrong file is
refused as a whole and what was there before goes on. Every other change needs a restart, and the log says so.

Restarts and replicas: a start is sent at least once. A new leader sends what the one before had not acknowledged on the Lease, which it
renews every \`leaderElection.retryPeriod\`; what was sent after that may come twice, with the same ids. After a time without any
replica, pods of the last hour that became ready meanwhile are told from what the API server still holds. Rollouts: [rollouts.md](rollouts.md).

\`HTTPS_PROXY\`, \`HTTP_PROXY\` and \`NO_PROXY\` count for the API server and for exporters, over HTTP and gRPC: the first for endpoints of \`https\`, the second for
those of \`http\`. A Collector in the cluster is reached directly only where \`NO_PROXY\` names it. The proxy of a gRPC exporter is one of \`http\`.

\`POD_NAME\` and \`POD_NAMESPACE\` come from the downward API: they name the replica, and where its Lease is.

## Settings
`

const EXPORTERS = `## Exporters

\`exporters\` is a map; its keys are the names that sessions use. They have neither flags nor variables.

`

const EXAMPLE = `
\`\`\`yaml
exporters:
  default:
    endpoint: http://otel-collector:4317
    headersFromFiles:
      authorization: /etc/podspan/exporters/default/authorization
    maxSpanAge: 1h
    spansPerMinute: 60000
\`\`\`
`

const STANDING = `
## The standing session

\`standingSession\` is the spec of a TraceSession that the leader creates in its own namespace under the name \`standing\`, keeps as it is
written here, and deletes where the setting is gone. It belongs to the Lease: who deletes that deletes it.

\`\`\`yaml
standingSession:
  allPods: true
  namespaceSelector: {}
  completion: {when: Never}
  exporter: default
\`\`\`
`

export function configurationReference(): string {
  const exporter = CONFIG_KEYS.properties?.['exporters']?.additionalProperties
  const rows = typeof exporter === 'object' ? exporterRows(exporter, []) : []
  return [
    HEAD,
    '| setting | flag | variable | default | takes | purpose |\n|---|---|---|---|---|---|',
    ...SETTINGS.map(settingRow),
    '',
    `${EXPORTERS}| setting | default | takes | purpose |\n|---|---|---|---|`,
    ...rows,
    EXAMPLE + STANDING,
  ].join('\n')
}

function settingRow({ path, flag, variable, node }: Setting): string {
  const [fallback, takes, purpose] = cells(node)
  return `| \`${path.join('.')}\` | \`--${flag}\` | \`${variable}\` | ${fallback} | ${takes} | ${purpose} |`
}

function exporterRows(node: SchemaNode, path: readonly string[]): string[] {
  if (node.properties)
    return Object.entries(node.properties).flatMap(([key, child]) => exporterRows(child, [...path, key]))
  const [fallback, takes, purpose] = cells(node)
  return [`| \`exporters.NAME.${path.join('.')}\` | ${fallback} | ${takes} | ${purpose} |`]
}

function cells(node: SchemaNode): readonly [fallback: string, takes: string, purpose: string] {
  const { default: value } = node
  const fallback =
    value === undefined ? '' : `\`${typeof value === 'string' ? value : JSON.stringify(value)}\``
  return [fallback, node.expected ?? '', node.description ?? '']
}
