// Owns the short forms of the manifests that scenarios create.
// Promises pods that end within a second when they are deleted, and images that the cluster's registry has.
// Does not create anything.

import type { KubeObject } from './api.ts'

type Fields = Readonly<Record<string, unknown>>

export const busybox = 'localhost:5000/busybox:latest'

/** A shell that runs these words; the image is on the node already, unless it is given. */
export function container(name: string, script: string, more: Fields = {}): Fields {
  return { name, image: busybox, imagePullPolicy: 'IfNotPresent', command: ['sh', '-c', script], ...more }
}

/** Runs until it is told to end. */
export const forever = 'sleep 3600'

export const server = (more: Fields = {}): Fields => container('app', forever, more)

export function podSpec(containers: readonly Fields[], more: Fields = {}): Fields {
  return { terminationGracePeriodSeconds: 1, containers, ...more }
}

export function pod(name: string, containers: readonly Fields[], more: Fields = {}): KubeObject {
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name }, spec: podSpec(containers, more) }
}

/** The metadata and spec of pods of a workload named `name`. */
export function template(name: string, containers: readonly Fields[], more: Fields = {}): Fields {
  return { metadata: { labels: { app: name } }, spec: podSpec(containers, more) }
}

export function deployment(name: string, replicas: number, pods: Fields, more: Fields = {}): KubeObject {
  const selector = { matchLabels: { app: name } }
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name },
    spec: { replicas, selector, template: pods, ...more },
  }
}

export function configMap(name: string, data: Readonly<Record<string, string>>): KubeObject {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data }
}
