// Owns the table of all rights that the operator uses at the API server, each with what for and what it costs to go without.
// Promises that docs/security.md is written from it, and that the chart's roles and the operator's own requests are tested against it.
// Does not ask for rights and does not check them.

/** `watched`: in the whole cluster, or in each listed namespace; `own`: in the namespace that Podspan runs in. */
export type Where = 'watched' | 'cluster' | 'kube-node-lease' | 'own'

export interface Right {
  readonly group: string
  /** With its subresource after a slash, as a role names it. */
  readonly resource: string
  /** Only the object of this name: the Lease of the configuration, or the standing session. */
  readonly name?: 'lease' | 'standing'
  readonly verbs: readonly string[]
  readonly where: Where
  /** The setting that it belongs to; absent: always. */
  readonly feature?:
    | 'watch.events'
    | 'watch.nodes'
    | 'watch.leases'
    | 'watch.owners'
    | 'watch.volumes'
    | 'watch.nodeClaims'
    | 'watch.workloads'
    | 'watch.deviceClaims'
    | 'watch.rollouts'
    | 'leaderElection.enabled'
    | 'standingSession'
  readonly purpose: string
  readonly without: string
}

const READ = ['get', 'list', 'watch'] as const

const WORKLOADS: readonly (readonly [group: string, resource: string])[] = [
  ['apps', 'replicasets'],
  ['apps', 'deployments'],
  ['apps', 'statefulsets'],
  ['apps', 'daemonsets'],
  ['batch', 'jobs'],
  ['batch', 'cronjobs'],
]

const TARGET = {
  where: 'watched',
  purpose: "A session's target: whether its rollout is complete.",
  without: 'Such a session completes at its timeout only, and its condition says why.',
} as const

const OWNER = {
  where: 'watched',
  feature: 'watch.owners',
  purpose: 'Metadata of workloads: a pod is named by its Deployment or CronJob.',
  without: 'A pod is named by its direct owner; a session for a Deployment finds no pods.',
} as const

const ROLLOUT = {
  where: 'watched',
  verbs: ['list', 'watch'],
  feature: 'watch.rollouts',
} as const

const ROLLOUTS: readonly Right[] = [
  ...WORKLOADS.filter(([, resource]) => resource !== 'cronjobs' && resource !== 'replicasets').map(
    ([group, resource]): Right => ({
      group,
      resource,
      ...ROLLOUT,
      purpose:
        'Workloads as a whole: which rollout is under way, within which limits, and when it is complete.',
      without: 'Rollouts of that kind are not told.',
    }),
  ),
  {
    group: 'apps',
    resource: 'replicasets',
    ...ROLLOUT,
    purpose: 'Metadata: the revisions of Deployments.',
    without: 'Rollouts of Deployments are not told.',
  },
  {
    group: 'apps',
    resource: 'controllerrevisions',
    ...ROLLOUT,
    verbs: READ,
    purpose: 'The numbers of the revisions of StatefulSets and DaemonSets.',
    without: 'Their rollouts are known by their hash, and only where the change was seen that began them.',
  },
]

export const RIGHTS: readonly Right[] = [
  {
    group: '',
    resource: 'pods',
    verbs: READ,
    where: 'watched',
    purpose: 'What starts are told from.',
    without: 'Nothing can be told.',
  },
  {
    group: '',
    resource: 'events',
    verbs: READ,
    where: 'watched',
    feature: 'watch.events',
    purpose: 'Image pulls, failed attempts, scheduling reasons, precise times.',
    without: 'Starts are told from pod status alone: right, but to the second, without pulls and reasons.',
  },
  {
    group: '',
    resource: 'nodes',
    verbs: READ,
    where: 'cluster',
    feature: 'watch.nodes',
    purpose: 'Zone, instance type, pool; waiting for a new node.',
    without: 'Traces say none of that, and waiting for a node is not told from waiting for room.',
  },
  {
    group: 'coordination.k8s.io',
    resource: 'leases',
    verbs: READ,
    where: 'kube-node-lease',
    feature: 'watch.leases',
    purpose: 'Ties the clocks of nodes to ours.',
    without: 'Times that kubelets wrote have wider intervals.',
  },
  ...WORKLOADS.map(([group, resource]) => ({ group, resource, verbs: ['get'], ...TARGET })),
  ...WORKLOADS.map(([group, resource]) => ({ group, resource, verbs: ['list', 'watch'], ...OWNER })),
  ...ROLLOUTS,
  {
    group: '',
    resource: 'persistentvolumeclaims',
    verbs: READ,
    where: 'watched',
    feature: 'watch.volumes',
    purpose: 'Waiting for a volume: to be made, and for a node to be chosen for it.',
    without: 'Waiting for a volume is not told from waiting for room.',
  },
  {
    group: 'storage.k8s.io',
    resource: 'volumeattachments',
    verbs: READ,
    where: 'cluster',
    feature: 'watch.volumes',
    purpose: 'When a volume was attached to its node, and what its driver said.',
    without: 'Attaching is dated by events only, and not told apart where these are dropped.',
  },
  {
    group: 'karpenter.sh',
    resource: 'nodeclaims',
    verbs: READ,
    where: 'cluster',
    feature: 'watch.nodeClaims',
    purpose: 'How a new node came to be: launched, registered, initialised.',
    without: 'Of a new node only its own object and its events are known.',
  },
  {
    group: 'kueue.x-k8s.io',
    resource: 'workloads',
    verbs: READ,
    where: 'watched',
    feature: 'watch.workloads',
    purpose: 'Waiting in a queue of Kueue.',
    without: 'Waiting in a queue is not seen.',
  },
  {
    group: 'resource.k8s.io',
    resource: 'resourceclaims',
    verbs: READ,
    where: 'watched',
    feature: 'watch.deviceClaims',
    purpose: 'Waiting for devices to be allocated.',
    without: 'Waiting for devices is not told from waiting for room.',
  },
  {
    group: '',
    resource: 'namespaces',
    verbs: READ,
    where: 'cluster',
    purpose: "Labels for a session's namespaceSelector; the UID of kube-system, which names the cluster.",
    without: 'A namespaceSelector with labels matches nothing; traces carry no k8s.cluster.uid.',
  },
  {
    group: 'podspan.dev',
    resource: 'tracesessions',
    verbs: [...READ, 'delete'],
    where: 'watched',
    purpose: 'The sessions; delete only those whose ttlSecondsAfterFinished has passed.',
    without:
      'Nothing is exported and nothing is judged; metrics go on. Without delete, finished sessions stay.',
  },
  {
    group: 'podspan.dev',
    resource: 'tracesessions/status',
    verbs: ['patch'],
    where: 'watched',
    purpose: 'The status of sessions, at most one write in 10 s for each.',
    without: 'Starts are exported; no session ever shows anything.',
  },
  {
    group: 'events.k8s.io',
    resource: 'events',
    verbs: ['create'],
    where: 'watched',
    purpose: 'Events on sessions: accepted, objective missed, completed.',
    without: 'kubectl describe shows the status only.',
  },
  {
    group: 'coordination.k8s.io',
    resource: 'leases',
    name: 'lease',
    verbs: ['get'],
    where: 'own',
    purpose: 'What was exported before this replica came; the owner of the standing session.',
    without: 'Starts that ended while no replica was there are not exported.',
  },
  {
    group: 'coordination.k8s.io',
    resource: 'leases',
    name: 'lease',
    verbs: ['update'],
    where: 'own',
    feature: 'leaderElection.enabled',
    purpose: 'The election of one leader.',
    without:
      'No replica leads: nothing is exported or written. Turn leaderElection.enabled off with one replica.',
  },
  {
    group: 'coordination.k8s.io',
    resource: 'leases',
    verbs: ['create'],
    where: 'own',
    feature: 'leaderElection.enabled',
    purpose: 'Makes the Lease where there is none: the chart makes it first, but somebody may delete it.',
    without: 'Once it is deleted no replica leads until somebody makes it.',
  },
  {
    group: 'podspan.dev',
    resource: 'tracesessions',
    verbs: ['create'],
    where: 'own',
    feature: 'standingSession',
    purpose: 'The standing session of the configuration.',
    without: 'There is no standing session until somebody creates it.',
  },
  {
    group: 'podspan.dev',
    resource: 'tracesessions',
    name: 'standing',
    verbs: ['get', 'patch', 'delete'],
    where: 'own',
    purpose: 'Keeps the standing session as it is configured, and removes it where it is configured no more.',
    without: 'It stays as it was.',
  },
]
