// Owns the image that is made without a base image: Node, the C library that it needs, CA certificates and the bundle.
// Promises the same content for the same bundle and machine, run as user 65532, in two layers, so that a new bundle alone is small.
// Does not build the bundle (scripts/build.ts does) and is not what users build: see Dockerfile.

import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { pushImage } from '../test/cluster/cluster.ts'
import { ClusterError, run, runScript } from '../test/cluster/commands.ts'
import type { Image } from '../test/cluster/images.ts'

const root = join(import.meta.dirname, '..')
const bundle = join(root, 'dist', 'podspan.mjs')
const node = join(root, 'node_modules', `node-linux-${process.arch}`, 'bin', 'node')

/** Where the distroless image of the Dockerfile has them too, so that `kubectl exec` works with either. */
const NODE_IN_IMAGE = '/nodejs/bin/node'
const BUNDLE_IN_IMAGE = '/app/podspan.mjs'

/** With the same reasons in the Dockerfile, which a test compares with this. */
export const NODE_FLAGS = [
  '--v8-pool-size=1',
  '--liftoff-only',
  '--invocation-count-for-maglev=4000',
  '--invocation-count-for-turbofan=30000',
  '--expose-gc',
  '--max-semi-space-size=4',
]
export const NODE_VARIABLES = { MALLOC_ARENA_MAX: '1', MALLOC_MMAP_THRESHOLD_: '131072' } as const
const nodeVariables = Object.entries(NODE_VARIABLES).map((pair) => pair.join('='))

/** What the image consists of. Rejects where the bundle or Node is missing. */
export async function podspanImage(): Promise<Omit<Image, 'name' | 'tag'>> {
  const { env = [], ...image } = await nodeImage(bundle, BUNDLE_IN_IMAGE, NODE_FLAGS)
  return { ...image, command: ['controller'], env: [...env, ...nodeVariables] }
}

/** Any program of one file, run by the same Node. */
export async function nodeImage(
  file: string,
  inImage: string,
  flags: readonly string[] = [],
): Promise<Omit<Image, 'name' | 'tag'>> {
  for (const needed of [file, node])
    if (!existsSync(needed)) throw new ClusterError(`${needed} is missing; \`make build\` makes it`)
  return {
    layers: [{ files: await runtimeFiles() }, { files: { [inImage.slice(1)]: file } }],
    entrypoint: [NODE_IN_IMAGE, ...flags, inImage],
    env: ['PATH=/nodejs/bin', 'SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt'],
    user: '65532:65532',
  }
}

async function runtimeFiles(): Promise<Record<string, string>> {
  const own = (file: string): string => join(import.meta.dirname, 'image', file)
  return {
    [NODE_IN_IMAGE.slice(1)]: node,
    ...(await sharedLibraries(node)),
    'etc/ssl/certs/ca-certificates.crt': '/etc/ssl/certs/ca-certificates.crt',
    'etc/passwd': own('passwd'),
    'etc/group': own('group'),
    'etc/nsswitch.conf': own('nsswitch.conf'),
  }
}

/** The closure of a program by the loader's own account, and what the C library opens by name when it resolves a host. */
async function sharedLibraries(program: string): Promise<Record<string, string>> {
  const listing = await run('ldd', [program])
  const paths = [...listing.matchAll(/(\/\S+) \(0x/g)].map((match) => match[1] ?? '')
  if (!paths.some((path) => path.includes('libc.so')))
    throw new ClusterError(`ldd names no C library of ${program}:\n${listing}`)
  const directory = paths.find((path) => path.includes('libc.so'))?.replace(/\/[^/]+$/, '') ?? ''
  const resolvers = ['libnss_dns.so.2', 'libnss_files.so.2', 'libresolv.so.2'].map((name) =>
    join(directory, name),
  )
  const present = resolvers.filter((path) => existsSync(path))
  return Object.fromEntries([...paths, ...present].map((path) => [path.slice(1), path]))
}

/** `node scripts/image.ts [TAG]` pushes it to the registry of the running test cluster and prints its reference. */
if (import.meta.main) {
  runScript(async () => {
    const tag = process.argv[2] ?? `built-${Math.floor(statSync(bundle).mtimeMs)}`
    process.stdout.write(`${await pushImage('podspan', tag, await podspanImage())}\n`)
  })
}
