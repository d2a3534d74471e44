import type { Argument, Command, Option } from 'commander'

const notice = '<!-- Generated from packages/kosmosctl by `npm run generate`; do not edit. -->'

/**
 * The reference of a command line as Markdown: every command that is not hidden, with its arguments and options. Pure.
 * @param notes what holds for all commands
 * @param examples what a person types, by the words of a command
 */
export function cliPage(
  program: Command,
  notes: readonly string[] = [],
  examples: Readonly<Record<string, readonly string[]>> = {},
): string {
  const help = program.createHelp()
  const commands = commandsOf(program)
  const general = [
    `# ${program.name()}`,
    notice,
    program.description(),
    ...notes,
    optionsTable(help.visibleOptions(program)),
    '| command | what it does |\n|---|---|',
  ].join('\n\n')
  const overview = commands.map(
    (command) => `| [\`${words(command)}\`](#${anchor(command)}) | ${cell(summary(command))} |`,
  )
  return `${[general, ...overview].join('\n')}\n\n${commands.map((command) => section(command, examples[words(command)])).join('\n\n')}\n`
}

/** Every command that does something: of one with commands of its own, those. */
function commandsOf(program: Command): Command[] {
  const visible = program.createHelp().visibleCommands(program)
  return visible
    .filter((command) => command.name() !== 'help')
    .flatMap((command) => (command.commands.length > 0 ? commandsOf(command) : [command]))
}

/** What is typed after the name of the program. */
function words(command: Command): string {
  const before = command.parent?.parent ? `${words(command.parent)} ` : ''
  return `${before}${command.name()}`
}

/** What is typed. */
function title(command: Command): string {
  let top = command
  while (top.parent !== null) top = top.parent
  return `${top.name()} ${words(command)}`
}

function section(command: Command, examples: readonly string[] = []): string {
  const help = command.createHelp()
  const usage = `    ${title(command)} ${command.usage()}`
  const parts = [`## ${title(command)}`, usage, command.description()]
  const named = help.visibleArguments(command)
  if (named.length > 0) parts.push(argumentsTable(named))
  parts.push(optionsTable(help.visibleOptions(command)))
  if (examples.length > 0) parts.push('Examples:', examples.map((line) => `    ${line}`).join('\n'))
  return parts.join('\n\n')
}

const summary = (command: Command) => command.summary() || command.description()

/** As GitHub makes it of the heading. */
const anchor = (command: Command) => title(command).replaceAll(' ', '-')

function argumentsTable(named: readonly Argument[]): string {
  const rows = named.map((argument) => {
    const { description, argChoices } = argument
    const choices = argChoices ? `: one of ${list(argChoices)}` : ''
    return `| \`${argument.name()}\` | ${cell(description)}${choices} |`
  })
  return ['| argument | meaning |', '|---|---|', ...rows].join('\n')
}

function optionsTable(options: readonly Option[]): string {
  const rows = options.map(
    ({ flags, description, argChoices, defaultValue, defaultValueDescription, mandatory, negate }) => {
      const notes = [
        ...(argChoices ? [`one of ${list(argChoices)}`] : []),
        ...(defaultValue === undefined || negate ? [] : [`default \`${defaultValueDescription ?? defaultValue}\``]),
        ...(mandatory ? ['required'] : []),
      ]
      return `| \`${flags}\` | ${cell(description)}${notes.length > 0 ? ` (${notes.join('; ')})` : ''} |`
    },
  )
  return ['| option | meaning |', '|---|---|', ...rows].join('\n')
}

const list = (choices: readonly string[]) => choices.map((choice) => `\`${choice}\``).join(', ')

const cell = (text: string) => text.replaceAll('|', '\\|').replaceAll(/\s+/g, ' ').replaceAll('<', '&lt;')
