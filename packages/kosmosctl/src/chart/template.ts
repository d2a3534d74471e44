import { load } from 'js-yaml'

/** A value of the chart and its default. */
export interface ChartValue {
  readonly name: string
  readonly value: unknown
}

export interface Template {
  readonly text: string
  readonly values: readonly ChartValue[]
}

const mark = /^(?<indent>\s*)(?<head>(?:- )?[\w.-]+:)(?<value> [^#]*?)?\s*# helm: (?<name>\w+)$/

/**
 * A manifest as a template of a Helm chart: what follows a key marked `# helm: NAME` becomes `.Values.NAME`, whether it
 * stands on the line or is a block below it. Pure.
 */
export function toTemplate(manifest: string): Template {
  const lines = manifest.split('\n')
  const text: string[] = []
  const values: ChartValue[] = []
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] ?? ''
    const { indent = '', head = '', value = '', name = '' } = mark.exec(line)?.groups ?? {}
    if (name === '') {
      text.push(line)
    } else if (value.trim() !== '') {
      values.push({ name, value: load(value) })
      text.push(`${indent}${head} {{ .Values.${name} | toJson }}`)
    } else {
      const block = blockBelow(lines.slice(at + 1), indent.length)
      values.push({ name, value: load(block.join('\n')) })
      text.push(`${indent}${head} {{- toYaml .Values.${name} | nindent ${indent.length + 2} }}`)
      at += block.length
    }
  }
  return { text: text.join('\n'), values }
}

function blockBelow(lines: readonly string[], indent: number): readonly string[] {
  const end = lines.findIndex((line) => line.trim() !== '' && line.search(/\S/) <= indent)
  return lines.slice(0, end < 0 ? lines.length : end)
}
