// Owns the form of a TraceSession: one zod schema, from which the TypeScript types and the CRD follow.
// Promises that what parses here is what the API server accepts, with the same messages.
// Does not know what a session does with it; create-book.ts does.

import { z } from 'zod'
import type { labelSelector, targetRef } from './schema-pods.ts'
import { type objective, sessionSpec } from './schema-spec.ts'
import { sessionStatus } from './schema-status.ts'

export const GROUP = 'podspan.dev'
export const VERSION = 'v1alpha1'
export const KIND = 'TraceSession'

export const traceSession = z
  .object({
    apiVersion: z.literal(`${GROUP}/${VERSION}`),
    kind: z.literal(KIND),
    metadata: z.object({
      name: z.string(),
      namespace: z.string(),
      uid: z.string(),
      generation: z.int().default(1),
      resourceVersion: z.string().default(''),
      creationTimestamp: z.string(),
      deletionTimestamp: z.string().optional(),
      annotations: z.record(z.string(), z.string()).optional().catch(undefined),
    }),
    spec: sessionSpec,
    // What cannot be read of a status is computed anew.
    status: sessionStatus.optional().catch(undefined),
  })
  .describe(
    'A TraceSession says whose pod starts are exported as traces, and judges them by objectives. kubectl wait --for=condition=Complete returns when its verdict is there.',
  )

export type TraceSession = z.output<typeof traceSession>
export type TraceSessionSpec = z.output<typeof sessionSpec>
export type TraceSessionStatus = z.output<typeof sessionStatus>
export type TargetRef = z.output<typeof targetRef>
export type Objective = z.output<typeof objective>
export type LabelSelector = z.output<ReturnType<typeof labelSelector>>
export type Condition = NonNullable<TraceSessionStatus['conditions']>[number]
export type Phase = NonNullable<TraceSessionStatus['phase']>

export type Parsed =
  | { readonly kind: 'ok'; readonly session: TraceSession }
  | { readonly kind: 'invalid'; readonly problems: readonly string[] }

/** Reads an object as the API server or a file has it; defaults are filled in. Each problem names its field first. */
export function parseTraceSession(value: unknown): Parsed {
  const parsed = traceSession.safeParse(value)
  if (parsed.success) return { kind: 'ok', session: parsed.data }
  return {
    kind: 'invalid',
    problems: parsed.error.issues.map(
      ({ path, message }) => `${path.join('.').replace(/\.(\d+)/g, '[$1]')}: ${message}`,
    ),
  }
}
