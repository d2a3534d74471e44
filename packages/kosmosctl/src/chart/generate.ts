import { mkdir, writeFile } from 'node:fs/promises'
import { chart } from './chart.ts'
import { chartSources } from './sources.ts'

// Writes deploy/charts/kosmos from the manifests in deploy/.
const folder = new URL('../../../../deploy/', import.meta.url)
for (const [path, text] of Object.entries(chart(await chartSources(folder)))) {
  const file = new URL(`charts/kosmos/${path}`, folder)
  await mkdir(new URL('.', file), { recursive: true })
  await writeFile(file, text)
}
