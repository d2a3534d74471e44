import { spawn } from 'node:child_process'
import path from 'node:path'

const sweep = path.join(import.meta.dirname, 'sweep.ts')

/**
 * Ties a test bed's folder to the life of this process: a small shell waits at the other end of a pipe, which the
 * kernel closes when we end, also by SIGKILL, and then takes the folder down. Returns what calls the guard off.
 */
export function guard(dir: string): () => void {
  const guardian = spawn('/bin/sh', ['-c', 'cat >/dev/null; exec "$0" "$@"', process.execPath, sweep, dir], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
    cwd: '/',
  })
  guardian.unref()
  guardian.on('error', () => {})
  const pipe = guardian.stdin
  pipe.on('error', () => {})
  if ('unref' in pipe && typeof pipe.unref === 'function') pipe.unref()
  return () => {
    guardian.kill('SIGKILL')
    pipe.destroy()
  }
}
