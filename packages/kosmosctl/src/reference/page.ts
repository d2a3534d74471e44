import type { Argument, Command, Option } from 'commander'

const notice = '<!-- Generated from packages/kosmosctl by `npm run generate`; do not edit. -->'

/**
 * The reference of a command line as Markdown: every command that is not hidden, with its arguments and options. Pure.
 * @param notes what holds for all commands
 */
export function cliPage(program: Command, notes: readonly string[] = []): string {
  const help = program.createHelp()
  const commands = help.visibleCommands(program).filter((command) => command.name() !== 'help')
  const general = [
    `# ${program.name()}`,
    notice,
    program.description(),
    ...notes,
    optionsTable(help.visibleOptions(program)),
    '| command | what it does |\n|---|---|',
  ].join('\n\n')
  const overview = commands.map(
    (command) => `| [\`${command.name()}\`](#${anchor(command)}) | ${cell(summary(command))} |`,
  )
  return `${[general, ...overview].join('\n')}\n\n${commands.map((command) => section(program, command)).join('\n\n')}\n`
}

function section(program: Command, command: Command): string {
  const help = command.createHelp()
  const usage = `    ${program.name()} ${command.name()} ${command.usage()}`
  const parts = [`## ${program.name()} ${command.name()}`, usage, command.description()]
  const named = help.visibleArguments(command)
  if (named.length > 0) parts.push(argumentsTable(named))
  parts.push(optionsTable(help.visibleOptions(command)))
  return parts.join('\n\n')
}

const summary = (command: Command) => command.summary() || command.description()

/** As GitHub makes it of the heading. */
const anchor = (command: Command) => `${command.parent?.name()}-${command.name()}`

function argumentsTable(named: readonly Argument[]): string {
  const rows = named.map((argument) => {
    const { description, argChoices } = argument
    const choices = argChoices ? ` One of ${list(argChoices)}.` : ''
    return `| \`${argument.name()}\` | ${cell(description)}${choices} |`
  })
  return ['| argument | meaning |', '|---|---|', ...rows].join('\n')
}

function optionsTable(options: readonly Option[]): string {
  const rows = options.map(({ flags, description, argChoices, defaultValue, mandatory, negate }) => {
    const notes = [
      ...(argChoices ? [`one of ${list(argChoices)}`] : []),
      ...(defaultValue === undefined || negate ? [] : [`default \`${defaultValue}\``]),
      ...(mandatory ? ['required'] : []),
    ]
    return `| \`${flags}\` | ${cell(description)}${notes.length > 0 ? ` (${notes.join('; ')})` : ''} |`
  })
  return ['| option | meaning |', '|---|---|', ...rows].join('\n')
}

const list = (choices: readonly string[]) => choices.map((choice) => `\`${choice}\``).join(', ')

const cell = (text: string) => text.replaceAll('|', '\\|').replaceAll(/\s+/g, ' ').replaceAll('<', '&lt;')
