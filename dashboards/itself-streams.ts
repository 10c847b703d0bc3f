// Owns the row on what Podspan reads: its streams, how late they are, and what went wrong with them. Does not make a dashboard: see itself.ts.

import { lines, table } from './panels.ts'
import { increase, now, RANGE, RATE, rate, select, WINDOW, REPLICA } from './promql.ts'

export const doesItSee = [
  table(
    {
      title: 'Streams',
      means:
        'What each replica watches, summed over replicas; live is that of the worst. A resource that the API server does not serve has no row.',
      then: 'Not live for minutes is a missing right or an API server in trouble; /readyz and the log say which.',
      rows: { source: 'stream' },
      columns: [
        { name: 'live', query: `min by (source) (${select('podspan_watch_live')})`, unit: 'none' },
        {
          name: 'objects',
          query: now(['source'], select('podspan_watch_objects')),
          unit: 'short',
          decimals: 0,
        },
        {
          name: 'frames',
          query: `sum by (source) (${increase('podspan_watch_frames_total', RANGE)})`,
          unit: 'short',
          decimals: 0,
        },
        {
          name: 'received',
          query: `sum by (source) (${increase('podspan_watch_received_bytes_total', RANGE)})`,
          unit: 'bytes',
        },
        {
          name: 'watches opened again',
          query: `sum by (source) (${increase('podspan_watch_restarts_total', RANGE)})`,
          unit: 'short',
          decimals: 0,
        },
        {
          name: 'gaps',
          query: `sum by (source) (${increase('podspan_watch_gaps_total', RANGE)})`,
          unit: 'short',
          decimals: 0,
          limits: [1, 10],
        },
      ],
      sortedBy: 'frames',
      linksOn: 'stream',
      links: [],
    },
    { width: 14, height: 10 },
  ),
  lines(
    {
      title: 'Watch lag, by replica',
      means:
        'By replica: from a fine stamp of a component to its receipt here, the writing included. No line where nothing with a fine stamp arrived.',
      then: 'All replicas high is the API server, one is its CPU or its node.',
      unit: 's',
      limits: [1, 5],
    },
    { [REPLICA]: `max by (instance) (${select('podspan_watch_lag_seconds')})` },
    { width: 10, height: 10 },
  ),
  lines(
    {
      title: 'Frames taken',
      means: 'Frames per second by kind, of all replicas. `gap`: something may have been missed.',
      then: 'A sudden rise is churn in the cluster: see which objects on the table of streams.',
      unit: 'suffix: /s',
    },
    { '{{kind}}': `sum by (kind) (${rate('podspan_frames_total', RATE)})` },
    { width: 8, height: 8, stacked: true },
  ),
  lines(
    {
      title: 'Lists made again',
      means:
        'Relists in the window before each point, by stream and reason. One now and then (`expired`) is how watches work.',
      then: 'Many mean that the API server forgets resourceVersions quickly or restarts, and each costs it a whole list.',
      unit: 'short',
    },
    {
      '{{source}}: {{reason}}': `sum by (source, reason) (${increase('podspan_watch_relists_total', WINDOW)})`,
    },
    { width: 8, height: 8 },
  ),
  lines(
    {
      title: 'Requests that failed, gaps',
      means:
        'In the window before each point: failed requests and ERROR frames by kind, and times that something may have been missed.',
      then: '`forbidden` is RBAC, `too-many-requests` priority and fairness, `network` the way to the API server.',
      unit: 'short',
    },
    {
      '{{source}}: {{reason}}': `sum by (source, reason) (${increase('podspan_watch_failures_total', WINDOW)})`,
      '{{source}}: gap': `sum by (source) (${increase('podspan_watch_gaps_total', WINDOW)}) > 0`,
      '{{source}}: not readable, {{reason}}': `sum by (source, reason) (${increase('podspan_watch_decode_errors_total', WINDOW)})`,
    },
    { width: 8, height: 8 },
  ),
]
