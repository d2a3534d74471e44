import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { guard } from './guard.ts'
import { markOf } from './identity.ts'
import { Journal } from './journal.ts'
import { tearDown } from './teardown.ts'

/** A folder of this process, and what was started for it. */
export interface Scratch {
  readonly dir: string
  /** `NAME=value` for the environment of programs that end with the folder, however far from us they were started. */
  readonly mark: string
  /** Kills those programs and removes the folder. */
  remove(): Promise<void>
}

/** A new folder in /tmp that is gone with this process, and the programs with its mark as well, also after SIGKILL. */
export function makeScratch(prefix: string): Scratch {
  const dir = mkdtempSync(path.join(tmpdir(), prefix))
  const release = guard(dir)
  return {
    dir,
    mark: markOf(dir),
    remove: async () => {
      await tearDown(new Journal(dir), 0)
      release()
    },
  }
}
