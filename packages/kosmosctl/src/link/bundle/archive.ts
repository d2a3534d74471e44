import { buffer } from 'node:stream/consumers'
import { gzipSync } from 'node:zlib'
import { pack } from 'tar-stream'

/** A .tar.gz of the files, all in one folder. */
export async function archive(folder: string, files: ReadonlyMap<string, string>, at: Date): Promise<Buffer> {
  const tar = pack()
  for (const [path, text] of files) tar.entry({ name: `${folder}/${path}`, mode: 0o644, mtime: at }, text)
  tar.finalize()
  return gzipSync(await buffer(tar))
}
