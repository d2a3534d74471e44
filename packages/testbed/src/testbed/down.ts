import { existsSync } from 'node:fs'
import { Journal } from '../processes/journal.ts'
import { withLock } from '../processes/lock.ts'
import { killStragglers } from '../processes/stop.ts'
import { tearDown } from '../processes/teardown.ts'
import { type Progress, silent } from '../progress.ts'
import { testbedDir } from './places.ts'
import { checkName } from './plan.ts'

/**
 * Ends and removes everything of a test bed, also one whose starter was killed half-way. Twice is fine.
 * @returns false when there was nothing to do
 */
export async function downTestbed(name = 'kosmos', progress: Progress = silent): Promise<boolean> {
  const dir = testbedDir(checkName(name))
  return withLock(dir, progress, async () => {
    if (!existsSync(dir)) {
      await killStragglers(dir)
      return false
    }
    await tearDown(new Journal(dir))
    return true
  })
}
