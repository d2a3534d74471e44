import { addCompletion } from '../completion/completion.ts'
import { examples } from '../examples.ts'
import { createProgram } from '../program.ts'
import { exitCodes } from '../run.ts'
import { rootKubeconfigHelp } from '../terminal/options.ts'
import { silent } from '../terminal/progress.ts'
import { cliPage } from './page.ts'

/** Where the page lies in the repository. */
export const referenceFile = new URL('../../../../docs/reference/cli.md', import.meta.url)

/** docs/reference/cli.md as it would be written now. */
export async function referencePage(): Promise<string> {
  const program = createProgram({ print: () => {}, progress: silent })
  await addCompletion(program, [])
  const { done, failed, wrongUsage } = exitCodes
  const codes = `Exit codes: ${done} done, ${failed} failed, ${wrongUsage} wrong usage. Results go to stdout, progress and errors to stderr; \`KOSMOS_DEBUG=1\` adds stacks to errors. Ctrl-C while something is changed says what is left and how to go on, and ends with 130. What a kubeconfig says of impersonation (\`as\`, \`as-uid\`, \`as-groups\`, \`as-user-extra\`) is followed.`
  return cliPage(
    program,
    [
      rootKubeconfigHelp
        .replace(/:\n/, ':\n\n')
        .replaceAll(/\n {4}/g, ' ')
        .replaceAll(/^ {2}(?=\S)/gm, '- '),
      codes,
    ],
    examples,
  )
}
