import { existsSync } from 'node:fs'
import { Journal } from './journal.ts'
import { tearDown } from './teardown.ts'

// Run by the guard of a folder after its process ended: `node sweep.ts FOLDER`.
const dir = process.argv[2]
if (dir && existsSync(dir)) await tearDown(new Journal(dir), 0)
