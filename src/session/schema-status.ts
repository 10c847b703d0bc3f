// Owns the form of a TraceSession's status. Promises that every list and text is bounded, so that a status stays below 20 KB.
// Does not compute it: status.ts does.

import { z } from 'zod'

export const LISTS = {
  objectives: 8,
  operations: 20,
  revisions: 5,
  images: 10,
  slowest: 5,
  stuck: 10,
} as const

const count = (description: string) => z.int().min(0).describe(description)
const text = (description: string, max: number) => z.string().max(max).describe(description)
const length = (description: string) => text(description, 20)
const time = (description: string) => z.string().max(64).meta({ description, format: 'date-time' })

const condition = z
  .object({
    type: text('Accepted, Exporting, EvidenceComplete, ObjectiveMet or Complete.', 316),
    status: z.enum(['True', 'False', 'Unknown']).describe('True, False or Unknown.'),
    observedGeneration: z
      .int()
      .min(0)
      .describe('The metadata.generation for which this was said.')
      .optional(),
    lastTransitionTime: time('When status last changed.'),
    reason: text('One word that says why.', 1024),
    message: text('One sentence that says why.', 1024),
  })
  .describe('One condition of the session.')

const quantiles = {
  p50: length('Half of the pods took at most this long.').optional(),
  p99: length('99 of 100 pods took at most this long.').optional(),
}

const pods = z
  .object({
    matched: count('Pods that the session has taken: the sum of the others.'),
    starting: count('Still starting.'),
    ready: count('Became ready.'),
    completed: count('Ran to success without ever being ready, such as short Jobs.'),
    failed: count('Failed before they were ready.'),
    unstable: count('Became ready, and a container ended with an error within seconds.'),
    deleted: count('Were deleted before they were ready; objectives do not count them.'),
    timedOut: count('Were not ready within startTimeout.'),
  })
  .describe('How many pods, by how their start ended.')

const traces = z
  .object({
    exported: count('Accepted by the exporter.'),
    sampledOut: count('Not wanted by sampling.'),
    dropped: count('Over a limit or budget, refused, or without an exporter to send them to.'),
    pending: count('Still to be sent.'),
  })
  .describe('What became of the traces of finished starts; their sum is the number of finished pods.')

const objective = z
  .object({
    name: text('Name of the objective.', 63),
    value: length('What the pods reached at this percentile so far; never, where they fail.').optional(),
    met: z.boolean().describe('Whether the pods so far are within the threshold.').optional(),
    pods: count('Pods that were judged.'),
    over: count('Pods that were slower than the threshold, or failed.'),
  })
  .describe('How one objective stands.')

const operation = z
  .object({
    name: text('The operation, as docs/spans.md names it.', 63),
    pods: count('Pods in which it happened.'),
    p50: quantiles.p50,
    p99: quantiles.p99,
    sharePercent: z
      .number()
      .describe('Share of all startup time that was spent waiting for this operation, in percent.'),
  })
  .describe('Where the time went.')

const revision = z
  .object({
    revision: text("The pods' pod-template-hash or controller-revision-hash.", 63),
    pods: count('Finished pods of this revision.'),
    p50: quantiles.p50,
    p99: quantiles.p99,
  })
  .describe("Starts of one revision of the pods' template.")

const image = z
  .object({
    image: text('The image, as the pods name it.', 256),
    pulls: count('Pulls that ended well.'),
    cachedPercent: z.int().describe('Share of its containers for which the node had it already, in percent.'),
    bytes: z.int().describe('Size that the node reported, in bytes.').optional(),
    p99: length('99 of 100 pulls took at most this long.').optional(),
  })
  .describe('Pulls of one image.')

const slow = z
  .object({
    pod: text("Name of the pod; with its namespace before a slash where that is not the session's.", 320),
    traceID: text('Its trace.', 32),
    url: text(
      'Link to its trace, where it was exported and the administrator has configured links.',
      512,
    ).optional(),
    outcome: text('How its start ended.', 16),
    startup: length('How long it took.'),
    longest: text('The operation that cost most of it.', 63).optional(),
    why: text('One sentence that says why.', 300),
  })
  .describe('One of the slowest pods.')

const stuck = z
  .object({
    in: text('The operation that they wait for.', 63),
    reason: text('What the component says.', 200).optional(),
    pods: count('How many pods wait for it.'),
    nodes: count('On how many nodes they are; 0 where they have none yet.'),
    oldest: length('How long the oldest of them has been starting.'),
    example: text('The oldest of them.', 320),
  })
  .describe('Pods that have waited for the same thing for 30 s or longer.')

const list = <T extends z.ZodType>(items: T, max: number, description: string) =>
  z.array(items).max(max).meta({ description, 'x-kubernetes-list-type': 'atomic' }).optional()

export const sessionStatus = z
  .object({
    phase: z
      .enum(['Pending', 'Running', 'Passed', 'Failed', 'Inconclusive', 'Error'])
      .describe(
        'Pending: nothing to judge yet. Running: pods are being taken. Passed: completed within its objectives. Failed: an objective was missed. Inconclusive: completed, but nothing can be said. Error: the session was not accepted.',
      )
      .optional(),
    observedGeneration: z.int().describe('The metadata.generation that this status is about.').optional(),
    startTime: time('When the session was accepted.').optional(),
    closedTime: time(
      'When the session stopped taking new pods; those created later are not counted.',
    ).optional(),
    closedBy: text(
      'Why it stopped taking new pods: RolloutComplete, RolloutFailed, DurationReached, PodCountReached or Timeout.',
      63,
    ).optional(),
    completionTime: time('When the session completed.').optional(),
    asOf: time('When this status was computed.').optional(),
    conditions: z
      .array(condition)
      .max(8)
      .meta({
        description:
          'Accepted: the session is valid and runs. Exporting: its traces reach an exporter. EvidenceComplete: nothing was missed in the traces and counts. ObjectiveMet: the verdict. Complete: the session is over, whatever the verdict.',
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['type'],
      })
      .optional(),
    pods: pods.optional(),
    traces: traces.optional(),
    startup: z
      .object({
        p50: quantiles.p50,
        p90: length('90 of 100 pods took at most this long.').optional(),
        p99: quantiles.p99,
        max: length('The slowest pod.').optional(),
      })
      .describe(
        'How long pods took that became ready or completed. Within 1 % from 257 pods on, exact below.',
      )
      .optional(),
    longest: text('The operation that cost most, with its share of all startup time.', 80).optional(),
    objective: text('How the objectives stand, in a few words.', 120).optional(),
    objectives: list(objective, LISTS.objectives, 'How each objective stands.'),
    operations: list(operation, LISTS.operations, 'Where the time went, the costliest first.'),
    revisions: list(revision, LISTS.revisions, 'Startup by revision, the one with the latest pods first.'),
    images: list(image, LISTS.images, 'Images by the time that their pulls took.'),
    slowest: list(slow, LISTS.slowest, 'The slowest pods; those that failed stand first.'),
    stuck: list(stuck, LISTS.stuck, 'What pods wait for now, grouped; the largest group first.'),
  })
  .describe('What Podspan has seen and judged. Written by Podspan only, at most every 10 s.')
