import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { promisify } from 'node:util'
import type { Progress } from '../progress.ts'
import { type DebianProgram, debianPrograms } from '../versions.ts'
import { BinaryMissing } from './errors.ts'

const run = promisify(execFile)

/**
 * Makes sure that programs of the distribution are there, installing their Debian packages when we are root.
 * Resolves with the path of each.
 * @throws BinaryMissing with the command to type when we may not install, or it fails
 */
export async function ensurePrograms<Name extends DebianProgram>(
  names: readonly Name[],
  progress: Progress,
): Promise<Readonly<Record<Name, string>>> {
  const missing = names.filter((name) => !existsSync(debianPrograms[name].file))
  const packages = [...new Set(missing.map((name) => debianPrograms[name].package))]
  if (packages.length > 0) await install(packages, progress)
  const absent = names.filter((name) => !existsSync(debianPrograms[name].file))
  if (absent.length > 0) {
    throw new BinaryMissing(
      absent,
      `not at ${absent.map((name) => debianPrograms[name].file).join(', ')} after installing ${packages.join(', ')}`,
    )
  }
  return Object.fromEntries(names.map((name) => [name, debianPrograms[name].file])) as Record<Name, string>
}

async function install(packages: readonly string[], progress: Progress): Promise<void> {
  const byHand = `install them by hand: apt-get install ${packages.join(' ')}`
  if (process.getuid?.() !== 0) throw new BinaryMissing(packages, `only root can install these packages; ${byHand}`)
  if (!existsSync('/usr/bin/apt-get')) throw new BinaryMissing(packages, `this is no Debian; install what brings them`)
  progress.step(`installing ${packages.join(', ')} with apt-get`)
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const options = ['-y', '--no-install-recommends', '-o', 'DPkg::Lock::Timeout=120']
  try {
    await run('apt-get', ['update', '-q'], { env })
    await run('apt-get', ['install', '-q', ...options, ...packages], { env, maxBuffer: 2 ** 24 })
  } catch (cause) {
    const { stderr = '' } = cause as { stderr?: string }
    throw new BinaryMissing(packages, `apt-get failed; ${byHand}\n${stderr.trim().split('\n').slice(-10).join('\n')}`, {
      cause,
    })
  }
}
