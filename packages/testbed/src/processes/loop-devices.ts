import { execFile } from 'node:child_process'
import { existsSync, readdirSync, statSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** A file by what the kernel knows it by; its path may be one of another mount namespace. */
export interface FileIdentity {
  /** `major:minor` of the file system. */
  readonly fileSystem: string
  readonly inode: number
}

/** A loop device (loop(4)) that is attached, and what it itself is as a file. */
export interface LoopDevice {
  readonly name: string
  readonly backing: FileIdentity
  readonly self: FileIdentity | undefined
}

/** Devices of the files and devices on top of those, the topmost first: the order in which they can be released. */
export function devicesOf(files: readonly FileIdentity[], devices: readonly LoopDevice[]): string[] {
  const wanted = new Set(files.map(key))
  const direct = devices.filter((device) => wanted.has(key(device.backing)))
  if (direct.length === 0) return []
  const others = devices.filter((device) => !direct.includes(device))
  const selves = direct.flatMap((device) => device.self ?? [])
  return [...devicesOf(selves, others), ...direct.map((device) => device.name)]
}

/** Releases every loop device whose file lies below a folder. @throws when one is still in use after ten seconds */
export async function detachBelow(folder: string): Promise<void> {
  const deadline = Date.now() + 10_000
  for (;;) {
    const devices = await attached()
    // Almost always; the folder of a node has thousands of files.
    if (devices.length === 0) return
    const names = devicesOf(filesBelow(folder), devices)
    if (names.length === 0) return
    if (Date.now() > deadline) throw new Error(`${names.join(', ')} of files in ${folder} cannot be released`)
    // One that is in use is released with its last user.
    for (const name of names) await run('losetup', ['--detach', name], { env }).catch(() => undefined)
    await sleep(20)
  }
}

const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` }

/** `losetup --json`, see losetup(8). */
interface Listing {
  readonly loopdevices: readonly { name: string; 'back-ino': number; 'back-maj:min': string }[]
}

async function attached(): Promise<LoopDevice[]> {
  if (!existsSync('/dev/loop-control')) return []
  const columns = 'NAME,BACK-INO,BACK-MAJ:MIN'
  const { stdout } = await run('losetup', ['--list', '--json', '--output', columns], { env })
  if (stdout.trim() === '') return []
  return (JSON.parse(stdout) as Listing).loopdevices.map((device) => ({
    name: device.name,
    backing: { fileSystem: device['back-maj:min'].trim(), inode: device['back-ino'] },
    self: identityOf(device.name),
  }))
}

function filesBelow(folder: string): FileIdentity[] {
  if (!existsSync(folder)) return []
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .flatMap((entry) => identityOf(path.join(entry.parentPath, entry.name)) ?? [])
}

function identityOf(file: string): FileIdentity | undefined {
  const stat = statSync(file, { throwIfNoEntry: false })
  return stat && { fileSystem: majorMinor(stat.dev), inode: stat.ino }
}

/** How Linux writes a device number in st_dev (glibc's gnu_dev_major and gnu_dev_minor), up to 32 bits of it. */
export function majorMinor(device: number): string {
  const major = (device >>> 8) & 0xfff
  const minor = (device & 0xff) | ((device >>> 12) & 0xfff00)
  return `${major}:${minor}`
}

function key({ fileSystem, inode }: FileIdentity): string {
  return `${fileSystem} ${inode}`
}
