// Owns the way from a label selector as kubectl takes it to one as a TraceSession holds it.
// Promises the same pods, and undefined for what kubectl would not read either.
// Does not judge labels and values: the API server does.

import type { LabelSelector } from '../session/schema.ts'

type Expression = NonNullable<LabelSelector['matchExpressions']>[number]

/** Commas inside brackets part values, not conditions. */
const CONDITION = /((?:[^,()]|\([^()]*\))+)(?:,|$)/gy

const FORMS: readonly (readonly [
  form: RegExp,
  read: (key: string, values: readonly string[]) => Expression,
])[] = [
  [/^!\s*([^\s!=,()]+)$/, (key) => ({ key, operator: 'DoesNotExist' })],
  [/^([^\s!=,()]+)$/, (key) => ({ key, operator: 'Exists' })],
  [/^([^\s!=,()]+)\s*==?\s*([^\s!=,()]*)$/, (key, values) => ({ key, operator: 'In', values: [...values] })],
  [
    /^([^\s!=,()]+)\s*!=\s*([^\s!=,()]*)$/,
    (key, values) => ({ key, operator: 'NotIn', values: [...values] }),
  ],
  [/^([^\s!=,()]+)\s+in\s*\(([^()]*)\)$/, (key, values) => ({ key, operator: 'In', values: [...values] })],
  [
    /^([^\s!=,()]+)\s+notin\s*\(([^()]*)\)$/,
    (key, values) => ({ key, operator: 'NotIn', values: [...values] }),
  ],
]

export function parseSelector(text: string): LabelSelector | undefined {
  const conditions = [...text.matchAll(CONDITION)]
  if (text.trim() === '' || conditions.map(([whole]) => whole).join('') !== text) return undefined
  const expressions = conditions.map(([, condition = '']) => parseCondition(condition.trim()))
  const known = expressions.filter((each) => each !== undefined)
  return known.length === expressions.length && !text.trim().endsWith(',') ? selectorOf(known) : undefined
}

function parseCondition(condition: string): Expression | undefined {
  for (const [form, read] of FORMS) {
    const match = form.exec(condition)
    if (match)
      return read(
        match[1] ?? '',
        (match[2] ?? '').split(',').map((value) => value.trim()),
      )
  }
  return undefined
}

/** One wanted value of a label stands where people look for it. */
function selectorOf(expressions: readonly Expression[]): LabelSelector {
  const matchLabels: Record<string, string> = {}
  const matchExpressions: Expression[] = []
  for (const expression of expressions) {
    const { key, operator, values = [] } = expression
    const [only] = values
    if (operator === 'In' && values.length === 1 && only !== undefined && !Object.hasOwn(matchLabels, key))
      matchLabels[key] = only
    else matchExpressions.push(expression)
  }
  return {
    ...(Object.keys(matchLabels).length > 0 && { matchLabels }),
    ...(matchExpressions.length > 0 && { matchExpressions }),
  }
}
