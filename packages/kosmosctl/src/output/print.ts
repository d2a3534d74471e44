import { dump } from 'js-yaml'

export const outputFormats = ['table', 'wide', 'json', 'yaml'] as const
export type OutputFormat = (typeof outputFormats)[number]

/** A result as it is asked for: `data` for programs, `text` for people. */
export function render(format: OutputFormat, result: { data: unknown; text: (wide: boolean) => string }): string {
  switch (format) {
    case 'json':
      return JSON.stringify(result.data, null, 2)
    case 'yaml':
      return toYaml(result.data).trimEnd()
    default:
      return result.text(format === 'wide')
  }
}

export function toYaml(data: unknown): string {
  return dump(JSON.parse(JSON.stringify(data)), { lineWidth: -1, noRefs: true })
}
