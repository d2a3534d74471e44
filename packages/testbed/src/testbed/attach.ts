import { existsSync } from 'node:fs'
import { Journal } from '../processes/journal.ts'
import { testbedDir, testbedNames } from './places.ts'
import { checkName } from './plan.ts'
import { type Testbed, type TestbedRecord, testbedOf } from './testbed.ts'

/** No test bed of that name is up. */
export class NoTestbed extends Error {
  constructor(name: string) {
    const others = testbedNames()
    super(
      `there is no test bed ${name}: npm run testbed -- up --name ${name}${others.length > 0 ? ` (there are: ${others.join(', ')})` : ''}`,
    )
    this.name = 'NoTestbed'
  }
}

/** The handle of a test bed that another process started. @throws NoTestbed when it is not there or never came up */
export function attachTestbed(name = 'kosmos'): Testbed {
  const dir = testbedDir(checkName(name))
  if (!existsSync(dir)) throw new NoTestbed(name)
  const journal = new Journal(dir)
  const description = journal.description()
  if (!description) throw new NoTestbed(name)
  return testbedOf(journal, description as unknown as TestbedRecord)
}
