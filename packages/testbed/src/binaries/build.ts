import type { Progress } from '../progress.ts'
import type { ToolSet } from '../versions.ts'

export async function build(set: ToolSet, names: readonly string[], _dir: string, _progress: Progress): Promise<void> {
  throw new Error(`${set}: ${names.join(', ')} cannot be built yet`)
}
