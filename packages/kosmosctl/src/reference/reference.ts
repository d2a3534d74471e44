import { addCompletion } from '../completion/completion.ts'
import { createProgram } from '../program.ts'
import { silent } from '../terminal/progress.ts'
import { cliPage } from './page.ts'

/** Where the page lies in the repository. */
export const referenceFile = new URL('../../../../docs/reference/cli.md', import.meta.url)

/** docs/reference/cli.md as it would be written now. */
export async function referencePage(): Promise<string> {
  const program = createProgram({ print: () => {}, progress: silent })
  await addCompletion(program, [])
  return cliPage(program)
}
