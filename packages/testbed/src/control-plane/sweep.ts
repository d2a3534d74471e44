import { existsSync } from 'node:fs'
import { Journal } from '../processes/journal.ts'
import { tearDown } from '../processes/teardown.ts'

// Run by the guard of a test's cluster after the test's process ended: `node sweep.ts FOLDER`.
const dir = process.argv[2]
if (dir && existsSync(dir)) await tearDown(new Journal(dir), 0)
