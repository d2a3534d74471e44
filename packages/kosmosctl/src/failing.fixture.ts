import { Writable } from 'node:stream'
import { createProgram } from './program.ts'
import { run } from './run.ts'
import { commandsOf } from './terminal/commands.ts'
import { silent } from './terminal/progress.ts'

/** A command line of each command, without the cluster that it is about. */
const lines: Readonly<Record<string, string>> = {
  join: 'x',
  unjoin: 'x',
  get: 'clusters',
  delete: 'orphans --all',
  explain: 'pod x',
  simulate: `-f ${new URL('simulate/web.fixture.json', import.meta.url).pathname}`,
  import: 'volume x --cluster y',
  check: '',
  'link check': '',
  'link trace': 'a/b/c d/e/f',
  'link bundle': '-f /nowhere/bundle.tar.gz',
  'link dns': '',
  'link rotate-keys': '',
  export: 'service x',
  unexport: 'service x',
  install: '',
  uninstall: '',
  version: '',
}

/** What prints what it could find out, and then fails. */
export const reporting: readonly string[] = ['check', 'version']

/** Every command, as the program has them; one that is in no line above fails here. */
export function commandLines(): readonly (readonly [name: string, words: readonly string[]])[] {
  return commandsOf(createProgram({ print: () => {}, progress: silent })).map(([name]) => {
    const line = lines[name]
    if (line === undefined) throw new Error(`no command line for ${name}`)
    return [name, [...name.split(' '), ...line.split(' ').filter(Boolean)]]
  })
}

/** Runs a command line in this process. */
export async function ran(argv: readonly string[]) {
  const [stdout, stderr] = [kept(), kept()]
  const code = await run(argv, stdout.stream, stderr.stream)
  return { code, stdout: stdout.text(), stderr: stderr.text() }
}

/** Runs a command against the cluster of a kubeconfig, whichever one it calls that. */
export async function ranOn(kubeconfig: string, words: readonly string[], ...more: readonly string[]) {
  const root = words[0] === 'join' ? ['--root-kubeconfig', kubeconfig] : []
  return await ran([...words, '--kubeconfig', kubeconfig, ...root, ...more])
}

function kept() {
  let text = ''
  const stream = new Writable({
    write(chunk, _encoding, done) {
      text += chunk
      done()
    },
  })
  return { stream: stream as unknown as NodeJS.WriteStream, text: () => text }
}
