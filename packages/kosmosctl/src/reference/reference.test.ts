import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { describe, it } from 'node:test'
import { Command } from 'commander'
import { cliPage } from './page.ts'
import { referenceFile, referencePage } from './reference.ts'

describe('the reference of a command line', () => {
  const page = cliPage(
    new Command('tool')
      .description('Does things.')
      .addCommand(
        new Command('paint').description('Paints.').argument('<what>', 'a | b').option('--hue <name>', 'which', 'red'),
      )
      .addCommand(new Command('mix').description('Mixes.').addCommand(new Command('hues').description('Mixes hues.')))
      .addCommand(new Command('secret').description('Not for people.'), { hidden: true }),
  )

  it('has every command with its arguments, options and defaults', () => {
    assert.match(page, /^## tool paint$/m)
    assert.match(page, /^\| `what` \| a \\\| b \|$/m)
    assert.match(page, /^\| `--hue <name>` \| which \(default `red`\) \|$/m)
  })

  it('has commands of commands', () => {
    assert.match(page, /^## tool mix hues\n\n {4}tool mix hues /m)
    assert.match(page, /^\| \[`mix hues`\]\(#tool-mix-hues\) \| Mixes hues\. \|$/m)
    assert.doesNotMatch(page, /^## tool mix$/m)
  })

  it('leaves out what is hidden', () => assert.doesNotMatch(page, /secret/))
})

describe('docs/reference/cli.md', () => {
  it('is what the program says of itself now', async () => {
    const current = await readFile(referenceFile, 'utf8')
    assert.ok(current === (await referencePage()), 'it is of another version of kosmosctl: run npm run generate')
  })
})
