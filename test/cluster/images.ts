// Owns the test images: made from nothing with crane, kept in the cache as OCI layouts, pushed to the cluster's registry.
// Promises that an image with random data is different bytes each time it is made, so that its pull is a real one.
// Does not pull from anywhere but the cluster's own registry.

import { createHash, randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { copyFile, mkdir, mkdtemp, open, readFile, rename, rm, symlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { run, say } from './commands.ts'
import { cacheDirectory, clusterLayout, registryAddress } from './layout.ts'

/** Files by their path in the image (the value is a path here), or so much data that no compression shrinks. */
export type Layer =
  | { readonly files: Readonly<Record<string, string>> }
  | { readonly randomMegabytes: number }

export interface Image {
  readonly name: string
  readonly tag: string
  /** A reference in the cluster's registry; without one the image starts empty. */
  readonly base?: string
  readonly layers: readonly Layer[]
  readonly entrypoint?: readonly string[]
  readonly command?: readonly string[]
  readonly env?: readonly string[]
  readonly user?: string
}

export function referenceOf(image: { name: string; tag: string }): string {
  return `${registryAddress}/${image.name}:${image.tag}`
}

/** Makes an image and pushes it; returns its reference. */
export async function makeImage(image: Image, crane: string): Promise<string> {
  const reference = referenceOf(image)
  // Below the state directory, so that `down` removes what a killed test leaves.
  const work = await mkdtemp(join(clusterLayout().root, 'image-'))
  try {
    const tars: string[] = []
    for (const [index, layer] of image.layers.entries())
      tars.push(await layerTar(layer, join(work, `${index}`)))
    const base = image.base === undefined ? ['--oci-empty-base'] : ['--base', image.base]
    await run(crane, ['append', ...base, ...tars.flatMap((tar) => ['-f', tar]), '-t', reference])
    await run(crane, ['mutate', reference, '-t', reference, ...imageConfig(image)])
    return reference
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

/** Pushes every image that tests find at `localhost:5000`; those that are not in the cache are made first. */
export async function pushTestImages(binaries: Record<string, string>): Promise<void> {
  const crane = binaries.crane ?? ''
  const agnhost = binaries.agnhost ?? ''
  const directory = join(cacheDirectory(), 'images')
  await mkdir(directory, { recursive: true })
  for (const image of await testImages(agnhost, directory)) await pushCached(image, crane, directory)
}

async function testImages(agnhost: string, directory: string): Promise<Image[]> {
  const pause = await compilePause(directory)
  const big = (tag: number, randomMegabytes: number): Image => ({
    name: 'big',
    tag: String(tag),
    base: `${registryAddress}/agnhost:latest`,
    layers: [{ randomMegabytes }],
    entrypoint: ['/agnhost'],
    command: ['pause'],
  })
  const shell = await busyboxFiles()
  return [
    { name: 'pause', tag: 'latest', layers: [{ files: { pause: pause } }], entrypoint: ['/pause'] },
    { name: 'busybox', tag: 'latest', layers: [{ files: shell }], command: ['sh'], env: ['PATH=/bin'] },
    {
      name: 'agnhost',
      tag: 'latest',
      base: `${registryAddress}/busybox:latest`,
      layers: [{ files: { agnhost } }],
      entrypoint: ['/agnhost'],
      command: ['pause'],
      env: ['PATH=/bin'],
    },
    big(1, 60),
    big(2, 80),
    big(3, 100),
    big(4, 120),
  ]
}

async function pushCached(image: Image, crane: string, directory: string): Promise<void> {
  const layout = join(directory, `${image.name}-${image.tag}-${await fingerprint(image)}`)
  if (existsSync(layout)) {
    await run(crane, ['push', layout, referenceOf(image)])
    return
  }
  say(`making image ${image.name}:${image.tag}…`)
  await makeImage(image, crane)
  const temporary = await emptyDirectory(join(directory, 'unfinished'))
  await run(crane, ['pull', '--format=oci', referenceOf(image), temporary])
  await rename(temporary, layout)
}

async function fingerprint(image: Image): Promise<string> {
  const hash = createHash('sha256').update(JSON.stringify(image))
  for (const layer of image.layers)
    if ('files' in layer)
      for (const source of Object.values(layer.files))
        if (!source.startsWith('->')) hash.update(await readFile(source))
  return hash.digest('hex').slice(0, 8)
}

/** Ten lines of C; what tests call `pause` is the node's sandbox image too. */
async function compilePause(directory: string): Promise<string> {
  const source = join(import.meta.dirname, 'images', 'pause.c')
  const hash = createHash('sha256')
    .update(await readFile(source))
    .digest('hex')
    .slice(0, 8)
  const binary = join(directory, `pause-${hash}`)
  if (existsSync(binary)) return binary
  const temporary = await emptyDirectory(join(directory, 'unfinished'))
  await run('gcc', ['-static', '-Os', '-s', '-o', join(temporary, 'pause'), source])
  await rename(join(temporary, 'pause'), binary)
  return binary
}

/** Only one `up` at a time makes test images; what is there is from one that was killed. */
async function emptyDirectory(directory: string): Promise<string> {
  await rm(directory, { recursive: true, force: true })
  await mkdir(directory)
  return directory
}

/** Every applet as a link to one file, but for busybox itself, and for wget, which crashes in the static build. */
async function busyboxFiles(): Promise<Record<string, string>> {
  const applets = (await run('/bin/busybox', ['--list'])).trim().split('\n')
  const links = applets.filter((applet) => applet !== 'busybox' && applet !== 'wget')
  return {
    'bin/busybox': '/bin/busybox',
    ...Object.fromEntries(links.map((applet) => [`bin/${applet}`, '->busybox'])),
  }
}

/** Writes one layer as a tar file whose bytes depend on its content only. */
async function layerTar(layer: Layer, directory: string): Promise<string> {
  await mkdir(directory)
  if ('files' in layer) await copyFiles(layer.files, directory)
  else await writeRandom(join(directory, `data-${randomBytes(4).toString('hex')}`), layer.randomMegabytes)
  const stable = ['--sort=name', '--owner=0', '--group=0', '--numeric-owner', '--mtime=@0']
  await run('tar', [...stable, '-C', directory, '-cf', `${directory}.tar`, '.'])
  return `${directory}.tar`
}

async function copyFiles(files: Readonly<Record<string, string>>, directory: string): Promise<void> {
  for (const [path, source] of Object.entries(files)) {
    const target = join(directory, path)
    await mkdir(dirname(target), { recursive: true })
    if (source.startsWith('->')) await symlink(source.slice(2), target)
    else await copyFile(source, target)
  }
}

async function writeRandom(path: string, megabytes: number): Promise<void> {
  const file = await open(path, 'w')
  for (let written = 0; written < megabytes; written++) await file.write(randomBytes(1_000_000))
  await file.close()
}

function imageConfig(image: Image): string[] {
  const architecture = process.arch === 'x64' ? 'amd64' : process.arch
  return [
    `--set-platform=linux/${architecture}`,
    ...(image.entrypoint === undefined ? [] : [`--entrypoint=${image.entrypoint.join(',')}`]),
    ...(image.command === undefined ? [] : [`--cmd=${image.command.join(',')}`]),
    ...(image.env ?? []).map((variable) => `--env=${variable}`),
    ...(image.user === undefined ? [] : [`--user=${image.user}`]),
  ]
}
