import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, it } from 'node:test'

const root = path.resolve(import.meta.dirname, '../..')
const read = (file: string) => readFileSync(path.join(root, file), 'utf8')
const pages = globSync(['README.md', 'docs/**/*.md'], { cwd: root }).filter((page) => page !== 'docs/contributing.md')
const tests = globSync(['packages/*/src/**/*.test.ts', 'e2e/*/**/*.ts'], { cwd: root })

/** Of a page: the test files that it names, and the titles that it quotes beside them. */
function named(page: string): { readonly files: string[]; readonly titles: string[] } {
  const lines = read(page)
    .split('\n')
    .filter((line) => line.includes('.test.ts`') || /\btested\b/.test(line) || /^\|.*\| "[^"]+" \|$/.test(line))
  return {
    files: lines.flatMap((line) => [...line.matchAll(/`([\w./-]+\.test\.ts)`/g)].map(([, file = '']) => file)),
    titles: lines.flatMap((line) => [...line.matchAll(/"([^"]{12,})"/g)].map(([, title = '']) => title)),
  }
}

describe('the documentation', () => {
  it('names tests that are there, by their titles', () => {
    const source = tests.map((file) => read(file).replaceAll(/\s+/g, ' ').replaceAll("\\'", "'"))
    const wrong = pages.flatMap((page) => {
      const { files, titles } = named(page)
      return [
        ...files.filter((file) => !tests.some((test) => `/${test}`.endsWith(`/${file}`))),
        // What a page leaves out of a title stands for anything.
        ...titles.filter(
          (title) =>
            !title.split('…').every((part) => source.some((text) => text.includes(part.replace(/, $/, '').trim()))),
        ),
      ].map((what) => `${page}: ${what}`)
    })
    assert.ok(pages.some((page) => named(page).titles.length > 30))
    assert.deepEqual(wrong, [])
  })
})
