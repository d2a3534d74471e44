import { existsSync, readdirSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'

/** The folder below which every test bed of this user has its own; `KOSMOS_TESTBEDS` replaces it. */
function testbedsRoot(env: NodeJS.ProcessEnv = process.env): string {
  const state = env.XDG_STATE_HOME || path.join(os.homedir(), '.local', 'state')
  return env.KOSMOS_TESTBEDS || path.join(state, 'kosmos', 'testbeds')
}

export const testbedDir = (name: string): string => path.join(testbedsRoot(), name)

/** Names of all test beds that exist, running or left behind. */
export function testbedNames(): string[] {
  const root = testbedsRoot()
  if (!existsSync(root)) return []
  return readdirSync(root, { withFileTypes: true })
    .filter((e) => e.isDirectory())
    .map((e) => e.name)
    .sort()
}
