// Owns the build of the page: a script, a style sheet and the frame of both, as the texts that the server sends.
// Promises files that ask for nothing but each other and the server. Does not check types: see `make check`.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { build, transform } from 'esbuild'
import type { PageFiles } from '../src/web/routes.ts'

const PAGE = join(import.meta.dirname, '../src/web/page')

export async function buildPage(): Promise<PageFiles> {
  const { outputFiles } = await build({
    entryPoints: [join(PAGE, 'main.ts')],
    bundle: true,
    write: false,
    format: 'esm',
    target: 'es2023',
    minify: true,
    legalComments: 'none',
  })
  const read = (name: string): string => readFileSync(join(PAGE, name), 'utf8')
  const { code: css } = await transform(read('page.css'), { loader: 'css', minify: true })
  return {
    'index.html': { type: 'text/html; charset=utf-8', body: read('index.html') },
    'page.css': { type: 'text/css; charset=utf-8', body: css },
    'page.js': { type: 'text/javascript; charset=utf-8', body: outputFiles[0]?.text ?? '' },
  }
}
