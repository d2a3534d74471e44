import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, it } from 'node:test'

const root = path.resolve(import.meta.dirname, '../..')
const pages = globSync(['README.md', 'docs/**/*.md', 'packages/*/README.md'], { cwd: root })
const read = (page: string) => readFileSync(path.join(root, page), 'utf8')

/** Anchors as GitHub makes them of headings. */
function anchors(page: string): string[] {
  return [...read(page).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(/\s/g, '-'),
  )
}

/** Why a link of a page leads nowhere; undefined if it leads somewhere in the repository, or out of it. */
function broken(page: string, link: string): string | undefined {
  if (/^https?:/.test(link)) return undefined
  const [file = '', anchor] = link.split('#')
  const target = file === '' ? page : path.join(path.dirname(page), file)
  if (!existsSync(path.join(root, target))) return `${page}: ${link}: there is no ${target}`
  if (anchor !== undefined && !anchors(target).includes(anchor))
    return `${page}: ${link}: ${target} has no such heading`
  return undefined
}

describe('the documentation', () => {
  it('has no link that leads nowhere', () => {
    // Brackets of a regular expression are escaped and make no link.
    const links = pages.flatMap((page) =>
      [...read(page).matchAll(/(?<!\\)\]\(([^)\s]+)\)/g)].map(([, link = '']) => ({ page, link })),
    )
    assert.ok(links.length > 50)
    assert.deepEqual(
      links.map(({ page, link }) => broken(page, link)).filter((why) => why !== undefined),
      [],
    )
  })
})
