// Owns reading single fields of an object of which nothing is trusted.
// Promises a value of the right type for any input: what is absent or of another type reads as empty.
// Does not know any Kubernetes type but a condition.

export type Fields = Readonly<Record<string, unknown>>

export const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

export const fieldsAt = (value: Fields, key: string): Fields => {
  const found = value[key]
  return isFields(found) ? found : {}
}

export const numberAt = (value: Fields, key: string, otherwise = 0): number => {
  const found = value[key]
  return typeof found === 'number' ? found : otherwise
}

export const textAt = (value: Fields, key: string): string => {
  const found = value[key]
  return typeof found === 'string' ? found : ''
}

export const listAt = (value: Fields, key: string): readonly Fields[] => {
  const found: unknown = value[key]
  return Array.isArray(found) ? found.filter(isFields) : []
}

/** The status condition of this type; empty where there is none. */
export const conditionOf = (status: Fields, type: string): Fields =>
  listAt(status, 'conditions').find((one) => one['type'] === type) ?? {}
