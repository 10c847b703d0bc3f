// Owns the templates of the benches' one start: its steps, encoded once.
// Promises what simulator/template.ts promises. Does not patch.

import {
  type Encoding,
  itemTemplate as itemOf,
  type Template,
  watchTemplate as watchOf,
} from '../test/simulator/template.ts'
import { type Step, STEPS } from './start.ts'

export { type Encoding, identityOf, patch, type Template } from '../test/simulator/template.ts'

export const watchTemplate = (step: Step, encoding: Encoding): Template =>
  watchOf(step, encoding, STEPS.length)

export const itemTemplate = (step: Step, encoding: Encoding): Template => itemOf(step, encoding, STEPS.length)
