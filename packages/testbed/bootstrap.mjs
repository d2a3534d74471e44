// Runs a TypeScript command of this repository: node packages/testbed/bootstrap.mjs SCRIPT.ts ARGS…
// Works on any Node from 16 on and with an empty node_modules: installs what package-lock.json names, if that has not
// been done yet, then starts over on the Node that came with it.
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { constants, tmpdir } from 'node:os'
import { delimiter, dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..')
const modules = join(root, 'node_modules')
const stamp = join(modules, '.kosmos-installed')
const node = join(modules, '.bin', 'node')

function lockDigest() {
  const hash = createHash('sha256').update(readFileSync(join(root, 'package-lock.json')))
  return hash.digest('hex')
}

function isInstalled() {
  if (!existsSync(node)) return false
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lockDigest()) return true
  if (!agreesWithLock()) return false
  writeFileSync(stamp, lockDigest())
  return true
}

/** Whether somebody else (`npm install`) has brought node_modules to what the lock says; npm keeps a list in there. */
function agreesWithLock() {
  const list = join(modules, '.package-lock.json')
  if (!existsSync(list)) return false
  const wanted = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages
  const installed = JSON.parse(readFileSync(list, 'utf8')).packages
  return Object.entries(wanted).every(([path, { version, optional }]) => {
    if (path === '') return true
    return path in installed ? installed[path].version === version : optional === true
  })
}

function isRunning(pid) {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error.code === 'EPERM'
  }
}

function holderOf(lock) {
  try {
    return Number(readFileSync(lock, 'utf8'))
  } catch {
    return undefined
  }
}

/** Moves the lock away before looking again whose it is: another process may just have taken it over. */
function removeIfOf(holder, lock, aside) {
  try {
    renameSync(lock, aside)
    if (holderOf(aside) !== holder) linkSync(aside, lock)
    rmSync(aside, { force: true })
  } catch {
    // Somebody else was faster.
  }
}

/** Only one process installs; the lock names it, so that one that died does not block the others. */
async function withInstallLock(work) {
  const lock = join(tmpdir(), `kosmos-install-${createHash('sha256').update(root).digest('hex').slice(0, 16)}.lock`)
  const mine = `${lock}.${process.pid}`
  writeFileSync(mine, String(process.pid))
  try {
    for (;;) {
      try {
        linkSync(mine, lock) // appears together with its content
        break
      } catch (error) {
        if (error.code !== 'EEXIST') throw error
      }
      const holder = holderOf(lock)
      if (holder === undefined) continue
      if (isRunning(holder)) await new Promise((resolve) => setTimeout(resolve, 300))
      else removeIfOf(holder, lock, `${mine}.stale`)
    }
    try {
      work()
    } finally {
      rmSync(lock, { force: true })
    }
  } finally {
    rmSync(mine, { force: true })
  }
}

function install() {
  if (isInstalled()) return
  console.error('installing npm packages (npm ci, about 30 s) ...')
  // The output of npm goes to stderr: stdout belongs to the command, which may print JSON. Its warnings are about an older
  // Node, which only begins here, and about nothing that a reader could do.
  const done = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
  })
  if (done.error) throw new Error(`npm cannot be run: ${done.error.message}`)
  if (done.status !== 0) throw new Error('npm ci failed, see above; is the npm registry reachable?')
  if (!existsSync(node)) throw new Error(`npm ci brought no Node for ${process.platform}-${process.arch}`)
  writeFileSync(stamp, lockDigest())
}

function fail(message) {
  console.error(message)
  process.exit(1)
}

const [script, ...args] = process.argv.slice(2)
if (!script) fail('usage: node packages/testbed/bootstrap.mjs SCRIPT.ts [ARGS]')
if (!isInstalled()) await withInstallLock(install).catch((error) => fail(error.message))

// Whoever kills us means the script: it sees the channel close, which we use for nothing else.
const endsWithUs = `process.on('disconnect', () => process.exit(1)); process.channel?.unref()`
const child = spawn(node, ['--import', `data:text/javascript,${endsWithUs}`, resolve(root, script), ...args], {
  stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
  env: {
    // TypeScript that was compiled once is not compiled again: half the time that a process takes to start.
    NODE_COMPILE_CACHE: join(modules, '.cache', 'compiled'),
    ...process.env,
    PATH: [join(modules, '.bin'), process.env.PATH].filter(Boolean).join(delimiter),
  },
})
child.on('error', (error) => fail(`${node} cannot be run: ${error.message}`))
// On Ctrl-C the terminal signals the child as well: we only have to outlive it, and pass on what was sent to us alone.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT']) {
  process.on(signal, () => {
    if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal)
  })
}
child.on('exit', (code, signal) => process.exit(signal ? 128 + constants.signals[signal] : (code ?? 1)))
