// Owns the numbers of workloads, at most so many of them with series of their own; places.ts says which.
// Promises places by starts of the last days. Does not count: starts.ts does.

import { addAll, emptyCounts, otherLabels, type WorkloadCounts, type WorkloadLabels } from './counts.ts'
import { createPlaces, type Places } from './places.ts'

export type Workloads = Places<WorkloadLabels, WorkloadCounts>

/** Teams deploy by the day. */
const HALF_LIFE_SECONDS = 86_400

export const createWorkloads = (max: number): Workloads =>
  createPlaces({ max, halfLifeSeconds: HALF_LIFE_SECONDS, empty: emptyCounts, addAll, otherLabels })
