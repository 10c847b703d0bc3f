// Owns the part of a TraceSession's form that says which pods: a target, or a label selector.
// Promises limits on every text, list and map. Does not match pods (match.ts).

import { z } from 'zod'
import { ruled } from './rules.ts'

export const targetRef = z
  .object({
    apiVersion: z
      .string()
      .min(1)
      .max(253)
      .describe(
        'API group and version of the target, such as apps/v1 or argoproj.io/v1alpha1. Only the group decides.',
      ),
    kind: z
      .string()
      .min(1)
      .max(63)
      .describe(
        'Kind of the target: Deployment, StatefulSet, DaemonSet, ReplicaSet, Job, CronJob, Pod, or any custom kind that owns the pods.',
      ),
    name: z.string().min(1).max(253).describe("Name of the target, in the session's namespace."),
  })
  .describe(
    'The workload whose pods this session takes: pods that it owns, directly or through other owners such as a ReplicaSet. It need not exist yet.',
  )

const labelKey = z.string().min(1).max(317)
const labelValue = z.string().max(63)

const expression = ruled(
  z.object({
    key: labelKey.describe('The label that is looked at.'),
    operator: z
      .enum(['In', 'NotIn', 'Exists', 'DoesNotExist'])
      .describe(
        'In and NotIn compare the value with values; Exists and DoesNotExist only ask whether the label is there.',
      ),
    values: z
      .array(labelValue)
      .max(32)
      .describe('At least one value for In and NotIn; none for Exists and DoesNotExist.')
      .optional(),
  }),
  'One condition on a label.',
  [
    {
      cel: "(self.operator in ['In', 'NotIn']) == (has(self.values) && size(self.values) > 0)",
      message: 'In and NotIn need at least one value; Exists and DoesNotExist take none',
      holds: ({ operator, values }) =>
        (operator === 'In' || operator === 'NotIn') === (values !== undefined && values.length > 0),
    },
  ],
)

export const labelSelector = (description: string) =>
  z
    .object({
      matchLabels: z
        .record(labelKey, labelValue)
        .meta({ description: 'Labels that must all have these values.', maxProperties: 16 })
        .optional(),
      matchExpressions: z
        .array(expression)
        .max(16)
        .describe('Conditions on labels that must all be true.')
        .optional(),
    })
    .describe(description)
