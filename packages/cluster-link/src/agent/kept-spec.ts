import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { NodeConfigSpec } from '@kosmos/api'
import { writePrivate } from './private-file.ts'

export interface KeptSpec {
  readonly spec: NodeConfigSpec
  readonly generation: number
}

const fileOf = (stateDir: string) => join(stateDir, 'node-config.json')

/** What was last wanted, for a node that starts while its API server cannot be reached; perhaps by these very tunnels. */
export async function readKeptSpec(stateDir: string): Promise<KeptSpec | undefined> {
  try {
    return JSON.parse(await readFile(fileOf(stateDir), 'utf8'))
  } catch {
    return undefined
  }
}

export async function keepSpec(stateDir: string, kept: KeptSpec): Promise<void> {
  await writePrivate(fileOf(stateDir), JSON.stringify(kept))
}
