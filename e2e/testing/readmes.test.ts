import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, it } from 'node:test'

const root = path.resolve(import.meta.dirname, '../..')
const folders = (place: string) =>
  readdirSync(path.join(root, place), { withFileTypes: true }).flatMap((one) =>
    // What npm and turbo make is nobody's to read.
    one.isDirectory() && one.name !== 'node_modules' && !one.name.startsWith('.') ? [one.name] : [],
  )
const packages = [
  { readme: 'e2e/README.md', source: 'e2e' },
  ...folders('packages').map((name) => ({ readme: `packages/${name}/README.md`, source: `packages/${name}/src` })),
]

describe('the README of a package', () => {
  for (const { readme, source } of packages) {
    it(`names each of its folders, and where to begin: ${readme}`, () => {
      const text = readFileSync(path.join(root, readme), 'utf8')
      const unnamed = folders(source).filter((name) => !text.includes(`\`${name}/`))
      assert.deepEqual(unnamed, [])
      assert.match(text, /\bbegin\s+with\b/i)
      assert.match(text, /may import this|imports this package/)
    })
  }
})
