// Owns the CustomResourceDefinition of TraceSession, made from the zod schema.
// Promises a structural schema with a description on every field, the rules as CEL, and columns that answer at a glance.
// Does not write files (scripts/generate-crd.ts) and holds no rule of its own.

import { z } from 'zod'
import { GROUP, KIND, traceSession, VERSION } from './schema.ts'
import { sessionSpec } from './schema-spec.ts'
import { sessionStatus } from './schema-status.ts'
import { VALIDATIONS } from './rules.ts'

export interface OpenApi {
  readonly [key: string]: unknown
  readonly description?: string
  readonly properties?: Readonly<Record<string, OpenApi>>
  readonly items?: OpenApi
  readonly additionalProperties?: OpenApi
}

const COLUMNS: readonly (readonly [name: string, type: string, path: string, description: string])[] = [
  ['Phase', 'string', '.status.phase', 'Pending, Running, Passed, Failed, Inconclusive or Error.'],
  ['Pods', 'integer', '.status.pods.matched', 'Pods that the session has taken.'],
  ['Ready', 'integer', '.status.pods.ready', 'Pods that became ready.'],
  ['P50', 'string', '.status.startup.p50', 'Half of the pods took at most this long.'],
  ['P99', 'string', '.status.startup.p99', '99 of 100 pods took at most this long.'],
  ['Longest', 'string', '.status.longest', 'The operation that cost most.'],
  ['Objective', 'string', '.status.objective', 'How the objectives stand.'],
  ['Age', 'date', '.metadata.creationTimestamp', ''],
]

const NAMES = {
  plural: 'tracesessions',
  singular: 'tracesession',
  kind: KIND,
  listKind: `${KIND}List`,
  shortNames: ['tsn'],
  categories: ['podspan'],
}

export function makeCrd(): OpenApi {
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${NAMES.plural}.${GROUP}` },
    spec: {
      group: GROUP,
      names: NAMES,
      scope: 'Namespaced',
      versions: [
        {
          name: VERSION,
          served: true,
          storage: true,
          subresources: { status: {} },
          additionalPrinterColumns: COLUMNS.map(([name, type, jsonPath, description]) => ({
            name,
            type,
            jsonPath,
            ...(description === '' ? {} : { description }),
          })),
          schema: { openAPIV3Schema: rootSchema() },
        },
      ],
    },
  }
}

export function rootSchema(): OpenApi {
  return {
    type: 'object',
    description: traceSession.description ?? '',
    required: ['spec'],
    properties: {
      apiVersion: { type: 'string' },
      kind: { type: 'string' },
      metadata: { type: 'object' },
      spec: schemaOf(sessionSpec),
      status: schemaOf(sessionStatus),
    },
  }
}

const schemaOf = (schema: z.ZodType): OpenApi =>
  structural(z.toJSONSchema(schema, { target: 'openapi-3.0', io: 'input' }) as OpenApi)

/** What zod writes that the API server would refuse or that says nothing: bounds of a double, empty lists of rules, patterns of keys. */
function structural(schema: OpenApi): OpenApi {
  const { properties, items, additionalProperties, propertyNames: _, $schema: __, ...rest } = schema
  return {
    ...own(rest),
    ...(items === undefined ? {} : { items: structural(items) }),
    ...(properties === undefined ? {} : { properties: mapValues(properties, structural) }),
    ...(typeof additionalProperties === 'object'
      ? { additionalProperties: structural(additionalProperties) }
      : {}),
  }
}

function own(rest: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const kept = Object.entries(rest).filter(
    ([key, value]) =>
      !(Array.isArray(value) && value.length === 0) &&
      !((key === 'maximum' || key === 'minimum') && Math.abs(Number(value)) === Number.MAX_SAFE_INTEGER),
  )
  const all: Record<string, unknown> = Object.fromEntries(kept)
  if (all['type'] === 'integer') all['format'] = 'int64'
  return all
}

const mapValues = <A, B>(from: Readonly<Record<string, A>>, by: (value: A) => B): Record<string, B> =>
  Object.fromEntries(Object.entries(from).map(([key, value]) => [key, by(value)]))

/** Every field below this one, with its path as `kubectl explain` takes it; for the generated documentation and tests. */
export function fieldsOf(schema: OpenApi, path = ''): { readonly path: string; readonly schema: OpenApi }[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, field]) => {
    const here = path === '' ? name : `${path}.${name}`
    return [{ path: here, schema: field }, ...fieldsOf(field.items ?? field, here)]
  })
}

export const rulesOf = (schema: OpenApi): readonly { readonly rule: string; readonly message: string }[] =>
  (schema[VALIDATIONS] ?? []) as { rule: string; message: string }[]
