import path from 'node:path'
import { bundleProcess } from '@kosmos/kube/build'
import { ensureProgramImage } from '@kosmos/testbed'

export interface NodeProgram {
  /** Reference of its image. */
  readonly image: string
  /** Path of an archive of it. */
  readonly archive: string
}

/** A program of `e2e/programs` with Node in an image, which runs as `node /program.mjs`. `dir`: where it is bundled. */
export async function nodeProgram(name: string, dir: string): Promise<NodeProgram> {
  const bundle = path.join(dir, `${name}.mjs`)
  await bundleProcess(path.resolve(import.meta.dirname, `../programs/${name}.ts`), bundle)
  const image = `kosmos.io/testbed/${name}:v1`
  const archive = await ensureProgramImage({
    name: image,
    programs: { '/usr/local/bin/node': process.execPath },
    files: [{ path: '/program.mjs', source: bundle, mode: 0o644 }],
    command: ['node', '/program.mjs'],
  })
  return { image, archive }
}
