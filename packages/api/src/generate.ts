import { mkdir, writeFile } from 'node:fs/promises'
import { generatedFiles } from './generated.ts'

/** The command `npm run generate`. */
for (const [path, content] of Object.entries(generatedFiles)) {
  const file = new URL(`../../../${path}`, import.meta.url)
  await mkdir(new URL('.', file), { recursive: true })
  await writeFile(file, content)
  console.log(`wrote ${path}`)
}
