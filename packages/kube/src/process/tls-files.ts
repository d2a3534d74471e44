import { watch } from 'node:fs'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { createSecureContext } from 'node:tls'
import { errorOf } from '../observe/observe.ts'
import type { Log } from './log.ts'

/** Files that somebody else renews, e.g. of a mounted Secret. */
export interface TlsFiles {
  /** PEM, with its intermediates if any. */
  readonly certFile: string
  /** PEM. */
  readonly keyFile: string
}

/** PEM: the certificate that callers are shown, and its key. */
export interface Shown {
  readonly cert: string
  readonly key: string
}

export interface FollowOptions {
  readonly show: (next: Shown) => void
  readonly log: Log
  readonly signal: AbortSignal
}

/** Several files change one after the other. */
const settleMs = 200

/**
 * The certificate that is in the files now; what they hold later is shown then. Throws if they hold none that can be
 * served; later on the last good one stays.
 */
export async function followFiles(files: TlsFiles, { show, log, signal }: FollowOptions): Promise<Shown> {
  const first = await read(files)
  let last = first
  let settling: NodeJS.Timeout | undefined
  const again = async () => {
    try {
      const next = await read(files)
      if (signal.aborted || (next.cert === last.cert && next.key === last.key)) return
      last = next
      show(next)
      log('info', 'http.certificate.renewed')
    } catch (error) {
      log('warn', 'http.certificate.failed', { reason: errorOf(error).message })
    }
  }
  const changed = () => {
    clearTimeout(settling)
    settling = setTimeout(again, settleMs).unref()
  }
  // The folders: files of a Secret change by a link that is put in the place of another.
  for (const folder of new Set([files.certFile, files.keyFile].map((file) => path.dirname(file)))) {
    watch(folder, { signal, persistent: false }, changed)
  }
  // They may have changed between the first look and now.
  changed()
  signal.addEventListener('abort', () => clearTimeout(settling), { once: true })
  return first
}

async function read({ certFile, keyFile }: TlsFiles): Promise<Shown> {
  const [cert, key] = await Promise.all([readFile(certFile, 'utf8'), readFile(keyFile, 'utf8')])
  try {
    // Throws also where the key belongs to another certificate.
    createSecureContext({ cert, key })
  } catch (error) {
    throw new Error(`${certFile} and ${keyFile} are no certificate with its key: ${errorOf(error).message}`)
  }
  return { cert, key }
}
