import { type Shell, ToolMissing } from './shell.ts'

/** Where these are not, there is nothing for them to do. */
const dispensable: readonly string[] = ['iptables', 'ip6tables', 'iptables-legacy', 'ip6tables-legacy']

/** The same shell; tells which programs are missing whenever that changes. */
export function watchTools(shell: Shell, onChange: (missing: readonly string[]) => void): Shell {
  const missing = new Set<string>()
  const found = ([tool = '']: readonly string[]) => {
    if (missing.delete(tool)) onChange([...missing].sort())
  }
  const note = (error: unknown): never => {
    if (error instanceof ToolMissing && !dispensable.includes(error.tool) && !missing.has(error.tool)) {
      missing.add(error.tool)
      onChange([...missing].sort())
    }
    throw error
  }
  return {
    run: (argv, stdin) =>
      shell.run(argv, stdin).then((printed) => {
        found(argv)
        return printed
      }, note),
    follow: (argv, options) => {
      const onLine = (line: string) => {
        found(argv)
        options.onLine(line)
      }
      return shell.follow(argv, { ...options, onLine }).catch(note)
    },
    detach: (argv, env, logFile) => shell.detach(argv, env, logFile).then(() => found(argv), note),
  }
}
