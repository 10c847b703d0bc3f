// Owns the text of docs/security.md: what the operator may do, what it never does, and what leaves the cluster.
// Promises the table of rights.ts and nothing beside it; a test holds the file to it.
// Does not give rights: the chart does.

import { type Right, RIGHTS } from './rights.ts'

const HEAD = `# Security

Written by \`make golden\` from the table in \`src/controller/rights.ts\`; \`make verify\` fails where it differs. Tests hold the chart's
roles, and the requests that the operator makes, to the same table.

## Rights

Podspan reads, but for four things: the status of TraceSessions, sessions whose time to live has passed, Events about them, and its
own Lease and standing session. It has no right to Secrets, ConfigMaps, logs, exec, or any change to a workload, and uses no wildcard.
Whatever right is missing costs only what the last column says; the log says it once, and \`/readyz\` as long as it is so.

"Watched" means the whole cluster by a ClusterRole, or, with \`namespaces\` in the configuration, each listed namespace by a Role; then there
is no cluster-wide right at all, and what is cluster-wide in this table is gone without.

`

const TAIL = `
A session whose target is of a custom kind, such as an Argo Rollout, needs \`get\` on that kind (\`customOwners\` in the chart).

## Who may do what through Podspan

A TraceSession carries no endpoint and no secret: it names an exporter that an administrator has configured. It sees the pods of its own
namespace only. A \`namespaceSelector\` counts in Podspan's own namespace alone; elsewhere the session is not accepted, and the
chart's ValidatingAdmissionPolicy refuses it at once. So whoever may create sessions in a namespace can have its starts exported
there, within \`limits\` and the exporter's budget, and learns nothing of other namespaces.

## Who may see the page

The operator's page (\`page.enabled\`) shows every start that Podspan sees, and the sessions. It listens on 127.0.0.1 of the pod: no Service, no address of
the pod and no NetworkPolicy leads to it, only what is in the pod itself, which is a container that somebody puts beside Podspan's, or a port-forward. That takes
\`get\` on \`pods/portforward\` in Podspan's namespace, and since Kubernetes 1.35 \`create\`; \`podspan ui\` also lists the pods. Podspan has none of these rights
itself; \`page.viewers\` gives them to whom you name. Who may forward a port to one pod of a namespace may to all: give Podspan a namespace of its own. There is
no mode without this door, and none that shows a part.

On the way to the browser the page is on 127.0.0.1 of the reader's machine, as \`watch --ui\`, \`trace --ui\` and \`replay --ui\` are: who else may connect there can read it.
Pages of other origins cannot: a request that names another host (DNS rebinding), that comes from another site (\`Sec-Fetch-Site\`) or that is more than a read is
refused; nothing may be framed, embedded or read across origins; a link from elsewhere may open the page, which holds nothing by itself. Its policy allows
its own script and style and nothing inline, whatever names, messages and labels hold; these are shown as text, with control characters and changes of direction
made visible. It loads nothing from anywhere else, keeps the colours that were chosen and nothing more, and is not cached.

## What is kept and what leaves

Environment values, commands and arguments are dropped while a pod is decoded; they are in no trace, metric, log or status. Of a workload's pod
template, which differs from one revision to the next in them too, only hashes are kept: a rollout's trace names the fields that changed, and of
images what they were. Exported traces hold names (pods, nodes, images, workloads), labels that OpenTelemetry's conventions ask for, and messages of kubelets and schedulers.
Metrics hold namespaces and workload names. Values of exporter headers are in no log and no message; they are best given as files
(\`headersFromFiles\`), which the chart mounts from Secrets: Podspan itself cannot read a Secret.

## Process

User 65532, no privileges, all capabilities dropped, read-only root, no writable volume, restricted Pod Security. It listens on one port
(\`/metrics\`, \`/livez\`, \`/readyz\`, no authentication, nothing but reading), on loopback on that of the page, and connects to the API server and to the exporters' endpoints. With \`receiver.enabled\` the leader takes spans on two more
ports, which have no authentication unless a token or client certificates are set: who reaches them is believed ([native-spans.md](native-spans.md)).

## What the chart may have the API server change

With \`injection.enabled\` an annotation and a variable are added to selected pods ([application-spans.md](application-spans.md)): by two MutatingAdmissionPolicies that the API server runs by itself, or, where it has none and
\`injection.by\` says so, by a webhook, on one more port over TLS, which answers whoever asks and keeps nothing. Podspan gets no right by it, and none to change a pod. A trace context is no secret: it follows from the pod's UID, or is what its creator wrote.

## Two leaders at once

The election is that of client-go: at most one replica leads as long as the replicas' clocks run equally fast. Should two lead all the same,
they send the same traces with the same ids and write the same status, since both follow from the pods; so no fencing is needed.
The Lease carries how far exports were acknowledged (\`podspan.dev/exported-until\`); it holds ids of traces, which follow from pod UIDs.
`

export const securityReference = (): string =>
  `${HEAD}| rights | on | where | setting | what for | without |\n|---|---|---|---|---|---|\n${rows().join('\n')}\n${TAIL}`

/** Rights that differ in their resource only are one row. */
function rows(): string[] {
  const groups = Map.groupBy(RIGHTS, ({ feature, purpose, verbs, where }) =>
    JSON.stringify([feature, purpose, verbs, where]),
  )
  return [...groups.values()].map(row)
}

function row(rights: readonly Right[]): string {
  const [first] = rights
  if (!first) return ''
  const { feature, purpose, verbs, where, without } = first
  const on = rights.map(nameOf).join(', ')
  const setting = feature === undefined ? '' : `\`${feature}\``
  return `| ${verbs.join(', ')} | ${on} | ${PLACES[where]} | ${setting} | ${purpose} | ${without} |`
}

function nameOf({ group, name, resource }: Right): string {
  const which =
    name === 'lease' ? ' named `leaderElection.leaseName`' : name === 'standing' ? ' named `standing`' : ''
  // As kubectl writes it: the group belongs to the resource, the subresource comes last.
  const [plural = '', ...subresource] = resource.split('/')
  return `\`${[group === '' ? plural : `${plural}.${group}`, ...subresource].join('/')}\`${which}`
}

const PLACES: Readonly<Record<Right['where'], string>> = {
  watched: 'watched',
  cluster: 'cluster',
  'kube-node-lease': 'namespace `kube-node-lease`',
  own: 'own namespace',
}
