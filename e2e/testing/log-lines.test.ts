import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, it } from 'node:test'

const root = path.resolve(import.meta.dirname, '../..')
const read = (file: string) => readFileSync(path.join(root, file), 'utf8')

/** Pages of processes: the packages that their code is in, and one of its events. */
const pages = {
  'cluster-tree': { packages: '{cluster-tree,kubelet,kube}', known: 'leaf.joined' },
  scheduler: { packages: 'scheduler', known: 'webhook.ending' },
  'cluster-link': { packages: 'cluster-link', known: 'link.token.renewed' },
} as const

/** Events that the code writes to the log. */
function eventsOf(packages: string): string[] {
  const files = globSync(`packages/${packages}/src/**/*.ts`, { cwd: root, exclude: ['**/*.test.ts', '**/*fixture.ts'] })
  const found = files
    .flatMap((file) => [...read(file).matchAll(/\blog\(\s*[^,()]+, '([a-z-]+\.[\w.-]+)'|\bpersist\('([\w.-]+)'/g)])
    .map(([, event, step]) => event ?? `${step}.failed`)
  return [...new Set(found)]
}

for (const [process, { packages, known }] of Object.entries(pages)) {
  describe(`the log lines in docs/reference/${process}.md`, () => {
    const events = eventsOf(packages)

    it(`are held against the code, which has ${known}`, () => assert(events.includes(known)))

    it('are all that the code has', () => {
      const page = read(`docs/reference/${process}.md`)
      const missing = events.filter((event) => !page.includes(`\`${event}\``))
      assert.deepEqual(missing, [])
    })
  })
}
