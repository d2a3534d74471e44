import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { generatedFiles } from './generated.ts'

describe('the files written from the schemas', () => {
  for (const [path, content] of Object.entries(generatedFiles)) {
    it(`include ${path} as it would be written now`, () => {
      const file = new URL(`../../../${path}`, import.meta.url)
      const current = existsSync(file) ? readFileSync(file, 'utf8') : undefined
      assert.ok(current === content, `${path} is not what the schemas say: run npm run generate`)
    })
  }
})
