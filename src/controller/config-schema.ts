// Owns the one schema of the controller's configuration: every setting, its default, its range and what it is for.
// Promises that docs/configuration.md, the flags, the variables and what is refused all come from this description.
// Does not read files or the environment: config.ts puts those together.

import { z } from 'zod'
import { NATIVE_SETTLE } from '../trace/pipeline.ts'
import { sessionSpec } from '../session/schema-spec.ts'
import {
  ABSOLUTE_PATH,
  DNS_LABEL,
  DNS_SUBDOMAIN,
  duration,
  flag,
  IP_ADDRESS,
  oneOf,
  text,
  whole,
} from './config-values.ts'

/** Each namespace takes its own watches: eight connections. */
const NAMESPACES_MAX = 50

/** client-go's JitterFactor: a try comes after the retry period and up to this much of it more. */
export const RETRY_JITTER = 1.2

const path = (description: string) => text(description, 'an absolute path', ABSOLUTE_PATH)

const NAME = 'a name of at most 63 lower-case letters, digits and "-", as of a namespace'

const serviceName = z
  .union(
    [
      z.enum(['actor', 'workload']),
      z.strictObject({
        fixed: text('The one name of all services.', 'a name of 1 to 255 characters', /^.{1,255}$/),
      }),
    ],
    { error: 'actor, workload or {fixed: NAME}' },
  )
  .meta({
    description:
      '`service.name` of spans: the component that did the work, the workload, or always the same name.',
    expected: 'actor, workload or {fixed: NAME}',
  })

const watch = z.strictObject({
  events: flag('Watch Events: image pulls, failed attempts, scheduling reasons, precise times.').prefault(
    true,
  ),
  nodes: flag('Watch Nodes: zone, instance type, pool, node provisioning. Never with `namespaces`.').prefault(
    true,
  ),
  leases: flag("Watch the nodes' Leases, which tie node clocks to ours. Never with `namespaces`.").prefault(
    true,
  ),
  owners: flag(
    'Watch the metadata of workloads, so that a pod is named by its Deployment or CronJob.',
  ).prefault(true),
  volumes: flag(
    'Watch PersistentVolumeClaims and, without `namespaces`, VolumeAttachments: waiting for a volume.',
  ).prefault(true),
  nodeClaims: flag(
    "Watch Karpenter's NodeClaims, where it is installed: how a new node came to be. Never with `namespaces`.",
  ).prefault(true),
  workloads: flag("Watch Kueue's Workloads, where it is installed: waiting in a queue.").prefault(true),
  deviceClaims: flag('Watch ResourceClaims, where they are served: waiting for devices.').prefault(true),
  rollouts: flag(
    'Watch Deployments, StatefulSets, DaemonSets and Jobs whole, and ControllerRevisions: a trace of its own for each rollout.',
  ).prefault(true),
})

/** A header's value may be a secret, so what is wrong with one never shows it. */
const HEADER = 'printable ASCII characters'
const headers = z.record(z.string(), z.string({ error: HEADER }).regex(/^[\x20-\x7e]*$/, { error: HEADER }), {
  error: 'a map of header names to values',
})
const headerFiles = z.record(
  z.string(),
  z.string({ error: 'an absolute path' }).regex(ABSOLUTE_PATH, { error: 'an absolute path' }),
  { error: 'a map of header names to absolute paths' },
)

const tls = z.strictObject({
  ca: path("PEM file that the backend's certificate is checked against; absent: the system's.").optional(),
  cert: path('PEM file of the client certificate; with `key`.').optional(),
  key: path('PEM file of the client key; with `cert`.').optional(),
  insecure: flag('Plain text for a gRPC endpoint without a scheme.').prefault(false),
})

export const exporterSchema = z.strictObject({
  endpoint: text(
    'Where traces go: `http://HOST:4317` for gRPC, `http://HOST:4318` for HTTP, to which `/v1/traces` is added.',
    'http://HOST:PORT, https://HOST:PORT or HOST:PORT',
    /^\S{1,2048}$/,
  ),
  protocol: oneOf('By default gRPC for port 4317, else HTTP.', ['grpc', 'http/protobuf']).optional(),
  headers: headers
    .meta({
      description: 'Headers of every request. For secrets use `headersFromFiles`.',
      expected: 'a map of header names to values',
    })
    .prefault({}),
  headersFromFiles: headerFiles
    .meta({
      description: 'Headers whose values are the contents of files; read again when a file changes.',
      expected: 'a map of header names to absolute paths',
    })
    .prefault({}),
  tls: tls.prefault({}),
  compression: oneOf('How requests are compressed.', ['gzip', 'none']).prefault('gzip'),
  timeout: duration('For one request.', '1ms', '10m').prefault('10s'),
  maxSpanAge: duration(
    'Starts that ended longer ago are dropped, for backends that refuse old spans; absent: none are.',
    '1s',
    '720h',
  ).optional(),
  queueMaxBytes: whole(
    'Memory for traces that wait, while the backend is away or slow; when it is full, whole traces are dropped, those of fast starts first. 64 MiB hold about 10,000 starts.',
    1_048_576,
    4_294_967_296,
  ).prefault(67_108_864),
  spansPerMinute: whole(
    'Budget: what exceeds it waits, then is dropped, slow and failed starts last; absent: no limit.',
    1,
    100_000_000,
  ).optional(),
})

const exporters = z
  .record(z.string().regex(DNS_LABEL, { error: NAME }), exporterSchema, {
    error: 'a map of exporters by name',
  })
  .meta({
    description:
      'Exporters by the name that sessions use. Without any nothing is exported; sessions still judge.',
    expected: 'a map of exporters by name',
  })

/** Where the API server would refuse it, so does this; what it fills in is left to it. */
const standingSession = z
  .record(z.string(), z.unknown(), { error: 'the spec of a TraceSession' })
  .superRefine((spec, context) => {
    for (const { path, message } of sessionSpec.safeParse(spec).error?.issues ?? [])
      context.addIssue({ code: 'custom', path, message, input: undefined })
  })
  .meta({
    description:
      'The spec of the TraceSession `standing`, which the leader keeps in its own namespace; absent: there is none.',
    expected: 'the spec of a TraceSession',
  })

const TEMPLATE = 'an http or https URL of at most 2048 characters with {traceID} in it'
const links = z.strictObject({
  traceURLTemplate: z
    .string({ error: TEMPLATE })
    .max(2048, { error: TEMPLATE })
    .refine(isTemplate, { error: TEMPLATE })
    .meta({
      description: 'Where a backend shows a trace; sessions link their slowest pods with it.',
      expected: TEMPLATE,
    })
    .optional(),
})

function isTemplate(template: string): boolean {
  const filled = template.replaceAll('{traceID}', '0af7651916cd43dd8448eb211c80319c')
  return filled !== template && /^https?:\/\//.test(filled) && URL.canParse(filled)
}

const leaderElection = z
  .strictObject({
    enabled: flag('Elect one leader among the replicas; only the leader exports and writes status.').prefault(
      true,
    ),
    leaseName: text('The Lease, in the namespace of the pod.', 'a DNS name', DNS_SUBDOMAIN).prefault(
      'podspan',
    ),
    leaseDuration: duration('A leader that has not renewed for this long is replaced.', '2s', '10m').prefault(
      '15s',
    ),
    renewDeadline: duration(
      'A leader that cannot renew for this long gives up; less than `leaseDuration`.',
      '1s',
      '10m',
    ).prefault('10s'),
    retryPeriod: duration(
      'Time between two tries; `renewDeadline` is more than 1.2 times it.',
      '100ms',
      '2s',
    ).prefault('2s'),
  })
  .superRefine(({ leaseDuration, renewDeadline, retryPeriod }, context) => {
    const refuse = (at: string, message: string): void =>
      context.addIssue({ code: 'custom', path: [at], message, input: undefined })
    if (leaseDuration <= renewDeadline) refuse('leaseDuration', 'more than renewDeadline')
    if (Number(renewDeadline) <= Number(retryPeriod) * RETRY_JITTER)
      refuse('renewDeadline', 'more than 1.2 times retryPeriod')
  })

const server = z.strictObject({
  address: text('Where `/metrics`, `/livez` and `/readyz` are served.', 'an IP address', IP_ADDRESS).prefault(
    '0.0.0.0',
  ),
  port: whole('The port of it; 0 takes a free one.', 0, 65_535).prefault(8080),
})

const page = z.strictObject({
  enabled: flag(
    "Serve the page of starts on the pod's own loopback, which `podspan ui` reaches by a port-forward.",
  ).prefault(true),
  port: whole('The port of it; 0 takes a free one.', 0, 65_535).prefault(7676),
})

const receiver = z
  .strictObject({
    enabled: flag(
      'Receive the spans that kubelets, runtimes and API servers send where their tracing is on, over gRPC and HTTP; the leader does.',
    ).prefault(false),
    address: text('Where it listens.', 'an IP address', IP_ADDRESS).prefault('0.0.0.0'),
    grpcPort: whole('The port of OTLP over gRPC; 0 takes a free one.', 0, 65_535).prefault(4317),
    httpPort: whole('The port of OTLP over HTTP; 0 takes a free one.', 0, 65_535).prefault(4318),
    tls: z
      .strictObject({
        cert: path(
          'PEM file of its certificate, with `key`; absent: plain text, which is all that kubelets and API servers speak.',
        ).optional(),
        key: path('PEM file of its key; with `cert`.').optional(),
        ca: path('PEM file: who sends has to show a certificate that it has signed.').optional(),
      })
      .prefault({}),
    tokenFile: path(
      'File of the token that who sends has to show as `authorization: Bearer TOKEN`; absent: anybody may send.',
    ).optional(),
    spansPerSecond: whole('What exceeds it is asked to come again later.', 1, 1_000_000).prefault(20_000),
    messageMaxBytes: whole('Of one request, inflated.', 1_024, 67_108_864).prefault(4_194_304),
    connectionsMax: whole(
      'Connections open at one time of gRPC, and as many of HTTP; one for each kubelet, runtime and API server that sends. One more is closed.',
      1,
      100_000,
    ).prefault(2_000),
  })
  .superRefine(({ grpcPort, httpPort, tls: { ca, cert, key } }, context) => {
    const refuse = (at: string[], message: string): void =>
      context.addIssue({ code: 'custom', path: at, message, input: undefined })
    if (grpcPort !== 0 && grpcPort === httpPort) refuse(['httpPort'], 'another port than grpcPort')
    if ((cert === undefined) !== (key === undefined))
      refuse(['tls', cert === undefined ? 'cert' : 'key'], 'a path, since the other one of the two is set')
    if (ca !== undefined && cert === undefined) refuse(['tls', 'cert'], 'a path, since tls.ca is set')
  })

const webhook = z
  .strictObject({
    enabled: flag(
      "Answer API servers that ask, when pods are created and bound, for the context of the pod's own trace in `TRACEPARENT`; every replica does.",
    ).prefault(false),
    address: text('Where it listens.', 'an IP address', IP_ADDRESS).prefault('0.0.0.0'),
    port: whole('The port of it, over TLS; 0 takes a free one.', 0, 65_535).prefault(9443),
    tls: z
      .strictObject({
        cert: path('PEM file of its certificate, for the name of its Service.').optional(),
        key: path('PEM file of its key.').optional(),
      })
      .prefault({}),
  })
  .superRefine(({ enabled, tls }, context) => {
    for (const key of ['cert', 'key'] as const)
      if (enabled && tls[key] === undefined)
        context.addIssue({
          code: 'custom',
          path: ['tls', key],
          message: 'a path, since API servers ask over TLS alone',
          input: undefined,
        })
  })

export const configSchema = z
  .strictObject({
    clusterName: text(
      '`k8s.cluster.name` of every trace.',
      'a name of 1 to 253 characters without spaces',
      /^\S{1,253}$/,
    ).optional(),
    namespaces: z
      .array(z.string({ error: NAME }).regex(DNS_LABEL, { error: NAME }), { error: 'a list of namespaces' })
      .max(NAMESPACES_MAX, { error: `at most ${NAMESPACES_MAX} namespaces` })
      .meta({
        description:
          'Watch only these; empty: all. With a list, Roles are enough, and Nodes and their Leases are not watched.',
        expected: `a list of at most ${NAMESPACES_MAX} namespaces`,
      })
      .prefault([]),
    startTimeout: duration('A start that takes longer is a timeout.', '1s', '24h').prefault('10m'),
    settle: duration('How long evidence may settle after a start is over.', '0s', '5m').prefault('5s'),
    serviceName: serviceName.prefault('actor'),
    watch: watch.prefault({}),
    exporters: exporters.prefault({}),
    standingSession: standingSession.optional(),
    links: links.prefault({}),
    metrics: z
      .strictObject({
        workloadsMax: whole('Workloads with series of their own; the rest is `other`.', 0, 2_000).prefault(
          200,
        ),
        nodesMax: whole('Nodes with series of their own; the rest is `other`.', 0, 2_000).prefault(100),
      })
      .prefault({}),
    ring: z
      .strictObject({
        maxBytes: whole(
          'Memory for finished starts: late sessions, and what a standby may have to export, which is 30 s of starts. 64 MiB hold about 4,000.',
          1_048_576,
          4_294_967_296,
        ).prefault(67_108_864),
      })
      .prefault({}),
    leaderElection: leaderElection.prefault({}),
    server: server.prefault({}),
    page: page.prefault({}),
    receiver: receiver.prefault({}),
    webhook: webhook.prefault({}),
    log: z
      .strictObject({
        level: oneOf('The least level that is logged.', ['debug', 'info', 'warn', 'error']).prefault('info'),
      })
      .prefault({}),
  })
  .superRefine(({ page, receiver, server, settle, startTimeout, webhook }, context) => {
    const refuse = (path: string[], message: string): void =>
      context.addIssue({ code: 'custom', path, message, input: undefined })
    if (settle >= startTimeout) refuse(['settle'], 'less than startTimeout')
    if (page.enabled && isSamePort(page.port, server.port))
      refuse(['page', 'port'], 'another port than server.port')
    if (webhook.enabled && [server.port, page.port].some((port) => isSamePort(webhook.port, port)))
      refuse(['webhook', 'port'], 'another port than server.port and page.port')
    if (!receiver.enabled) return
    if (startTimeout <= NATIVE_SETTLE)
      refuse(['startTimeout'], 'more than 10s, for which spans of other components are waited for')
    for (const key of ['grpcPort', 'httpPort'] as const)
      if ([server.port, page.port].some((port) => isSamePort(receiver[key], port)))
        refuse(['receiver', key], 'another port than server.port and page.port')
  })

const isSamePort = (a: number, b: number): boolean => a !== 0 && a === b

export type ControllerConfig = z.output<typeof configSchema>
export type ExporterConfig = z.output<typeof exporterSchema>
