import { load, loadAll } from 'js-yaml'

/** Something in a page of documentation that a reader gives to an API server. */
export type Shown = { readonly line: number } & (
  | { readonly kind: 'manifest'; readonly object: ShownObject }
  /** Part of a manifest: `spec: …`, or a field of a pod's spec. */
  | { readonly kind: 'fragment'; readonly fields: Readonly<Record<string, unknown>> }
  | { readonly kind: 'patch'; readonly target: string; readonly name: string; readonly patch: string }
)

export interface ShownObject {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: { readonly name: string; readonly namespace?: string }
}

/** The manifests, parts of such, and patches that a Markdown page shows in blocks of code. Pure. */
export function shownIn(page: string): Shown[] {
  return blocks(page).flatMap(({ line, text }) => [...manifests(line, text), ...patches(line, text)])
}

interface Block {
  readonly line: number
  readonly text: string
}

/** Blocks of code: between fences, or indented by four. */
function blocks(page: string): Block[] {
  const found: { line: number; lines: string[] }[] = []
  let isFenced = false
  let isOpen = false
  for (const [index, line] of page.split('\n').entries()) {
    const isFence = line.trimStart().startsWith('```')
    if (isFence) isFenced = !isFenced
    const isCode: boolean = !isFence && (isFenced || line.startsWith('    ') || (isOpen && line.trim() === ''))
    if (isCode && !isOpen) found.push({ line: index + 1, lines: [] })
    if (isCode) found.at(-1)?.lines.push(line)
    isOpen = isCode
  }
  return found.map(({ line, lines }) => ({ line, text: dedented(lines) }))
}

function dedented(lines: readonly string[]): string {
  const indents = lines.filter((line) => line.trim() !== '').map((line) => line.search(/\S/))
  return lines.map((line) => line.slice(Math.min(...indents))).join('\n')
}

function manifests(line: number, text: string): Shown[] {
  const fed = [...text.matchAll(/<<'?EOF'?\n(.*?)\n\s*EOF$/gms)].map(([, content = '']) => content)
  const isYaml = /^(apiVersion|metadata|spec|tolerations|nodeSelector):/.test(text)
  return (isYaml ? [text] : fed).flatMap((content) =>
    loadAll(content).map((document): Shown => {
      const fields = document as ShownObject & Record<string, unknown>
      return 'apiVersion' in fields ? { line, kind: 'manifest', object: fields } : { line, kind: 'fragment', fields }
    }),
  )
}

function patches(line: number, text: string): Shown[] {
  const found = text.matchAll(/kubectl patch (\S+) (\S+) --type[ =]merge[\s\\]+-p '([^']*)'/g)
  return [...found].map(([, target = '', name = '', patch = '']) => {
    load(patch)
    return { line, kind: 'patch', target, name, patch }
  })
}
