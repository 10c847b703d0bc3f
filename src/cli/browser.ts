// Owns the start of a browser, by what the system has for it.
// Promises nothing but a try: where there is no terminal to sit at, or no such program, the address that was said has to do.
// Does not wait for it, and outlives nobody.

import { spawn } from 'node:child_process'
import type { Context } from './context.ts'

export interface Opener {
  readonly file: string
  readonly args: readonly string[]
}

/** The program that opens an address, with the address as its last argument. */
export function openerOf(platform: NodeJS.Platform, env: Context['env'], url: string): Opener | undefined {
  if (env['BROWSER']) return { file: env['BROWSER'], args: [url] }
  if (platform === 'darwin') return { file: 'open', args: [url] }
  // `start` takes its first quoted argument for a title.
  if (platform === 'win32') return { file: 'cmd', args: ['/c', 'start', '""', url.replaceAll('&', '^&')] }
  // Over SSH there is no screen, and a browser in the terminal is not what was meant.
  return env['DISPLAY'] || env['WAYLAND_DISPLAY'] ? { file: 'xdg-open', args: [url] } : undefined
}

export function openBrowser({ env, terminal }: Pick<Context, 'env' | 'terminal'>, url: string): void {
  const opener = terminal.interactive ? openerOf(process.platform, env, url) : undefined
  if (!opener) return
  const child = spawn(opener.file, opener.args, { env, stdio: 'ignore', detached: true })
  child.on('error', ({ message }) => terminal.say(`podspan: no browser could be started: ${message}.`))
  child.unref()
}
