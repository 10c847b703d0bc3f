// Owns the reading of TraceQL by Grafana's own grammar. Promises a sentence for each place where it does not parse.
// Does not know whether an attribute exists: see test/dashboards/traceql.test.ts.

import { parser } from '@grafana/lezer-traceql'
import { syntaxErrors } from './grammar.ts'

export const traceqlProblems = (query: string): string[] => syntaxErrors(parser, query, 'TraceQL')
