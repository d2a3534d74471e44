import type { Command } from 'commander'
import { type Finding, isProblem } from '../findings/finding.ts'
import { counted } from '../output/counted.ts'
import { type OutputFormat, render } from '../output/print.ts'
import { table } from '../output/table.ts'
import type { Terminal } from '../terminal/context.ts'
import { Failure } from '../terminal/failure.ts'
import { outputOption, rootSource, withRootOptions } from '../terminal/options.ts'
import { check } from './check.ts'

export function addCheck(program: Command, terminal: Terminal): void {
  const command = program
    .command('check')
    .summary('find out what is wrong, and how to put it right')
    .description(
      "Looks for everything that is wrong in the root's set-up and in the leaves, and prints all of it at once, each with its fix. Changes nothing. Exit code 1 if there is a problem.",
    )
    .argument('[cluster]', 'only this cluster, besides the root')
    .addOption(outputOption(['table', 'wide', 'json', 'yaml']))
  withRootOptions(command).action(async (cluster: string | undefined, flags: { output: OutputFormat }) => {
    const findings = await check({ root: rootSource(command), cluster }, terminal.progress)
    terminal.print(render(flags.output, { data: findingsData(findings), text: (wide) => findingsText(findings, wide) }))
    const problems = findings.filter(isProblem).length
    if (problems > 0) throw new Failure(`${counted(problems, 'problem')} found`)
  })
}

/** `{checks: [{id, cluster?, status, what, fix?}]}`. Pure. */
export function findingsData(findings: readonly Finding[]): unknown {
  return { checks: findings.map(({ verdict, ...which }) => ({ ...which, ...verdict })) }
}

/** A table of all checks, then the fixes; what is fine is told in full only when asked for. Pure. */
export function findingsText(findings: readonly Finding[], wide: boolean): string {
  const rows = findings.map(({ id, cluster, verdict }) => [id, cluster ?? '(root)', verdict.status, verdict.what])
  const shown = wide ? rows : rows.map(([id = '', cluster = '', status = '']) => [id, cluster, status])
  const text = [table(wide ? ['check', 'cluster', 'status', 'what'] : ['check', 'cluster', 'status'], shown)]
  for (const { id, cluster, verdict } of findings) {
    if (verdict.status !== 'problem' && verdict.status !== 'warning') continue
    const where = cluster === undefined ? id : `${cluster}/${id}`
    text.push('', `${verdict.status} ${where}: ${verdict.what}`, `  fix: ${verdict.fix}`)
  }
  return text.join('\n')
}
