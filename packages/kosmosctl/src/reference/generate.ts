import { writeFile } from 'node:fs/promises'
import { referenceFile, referencePage } from './reference.ts'

/** Writes the reference of the command line; a part of `npm run generate`. */
await writeFile(referenceFile, await referencePage())
console.log('wrote docs/reference/cli.md')
