import type { Progress } from '../progress.ts'
import type { ToolSet } from '../versions.ts'

export async function download(
  _set: ToolSet,
  _names: readonly string[],
  _dir: string,
  _progress: Progress,
): Promise<void> {}
