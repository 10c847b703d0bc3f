// Owns who may be charged with a delay. responsible.ts says who is.

/**
 * `workload`: what its own team wrote (init containers, probes, hooks, start-up of its process, selectors, missing ConfigMaps).
 * `platform`: scheduler, kubelet, runtime, volumes, sidecars that the platform puts in. `capacity`: no room, no quota, no node yet.
 * `registry`: images on their way.
 */
export const PARTIES = ['workload', 'platform', 'capacity', 'registry'] as const
export type Party = (typeof PARTIES)[number]
