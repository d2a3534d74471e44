import type { Argument, Command, Option } from 'commander'
import { commandsOf } from '../terminal/commands.ts'

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
  const title = (words: string) => `${program.name()} ${words}`
  const general = [
    `# ${program.name()}`,
    notice,
    program.description(),
    ...notes,
    optionsTable(help.visibleOptions(program)),
    '| command | what it does |\n|---|---|',
  ].join('\n\n')
  const overview = commands.map(
    ([words, command]) => `| [\`${words}\`](#${anchor(title(words))}) | ${cell(summary(command))} |`,
  )
  const sections = commands.map(([words, command]) => section(title(words), command, examples[words]))
  return `${[general, ...overview].join('\n')}\n\n${sections.join('\n\n')}\n`
}

/** @param title what is typed for the command */
function section(title: string, command: Command, examples: readonly string[] = []): string {
  const help = command.createHelp()
  const usage = `    ${title} ${command.usage()}`
  const parts = [`## ${title}`, usage, command.description()]
  const named = help.visibleArguments(command)
  if (named.length > 0) parts.push(argumentsTable(named))
  parts.push(optionsTable(help.visibleOptions(command)))
  if (examples.length > 0) parts.push('Examples:', examples.map((line) => `    ${line}`).join('\n'))
  return parts.join('\n\n')
}

const summary = (command: Command) => command.summary() || command.description()

/** As GitHub makes it of the heading. */
const anchor = (title: string) => title.replaceAll(' ', '-')

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
