import { appendFileSync, mkdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import type { ProcessIdentity } from './identity.ts'

/** How to tell that a component is up: an HTTP(S) URL that answers 200. */
export interface HealthProbe {
  readonly url: string
  /** PEM file that the server certificate must chain to. */
  readonly caFile?: string
}

/** All that is needed to start a component again later, from any process. */
export interface ProcessSpec {
  /** Unique in the test bed: `<cluster>/<component>` or `<cluster>/<node>/<component>`. */
  readonly id: string
  readonly argv: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
  readonly log: string
  readonly health?: HealthProbe
  /** How long TERM may take before KILL; 0 kills at once. Default 5000. */
  readonly stopTimeoutMs?: number
}

export interface ProcessEntry extends ProcessIdentity {
  readonly kind: 'process'
  readonly spec: ProcessSpec
}

/** Something besides a process that has to be undone by `down`; undoing one that does not exist is fine. */
export type Cleanup =
  | { readonly kind: 'netns'; readonly name: string }
  | { readonly kind: 'link'; readonly name: string; readonly netns?: string }
  | { readonly kind: 'nft-table'; readonly family: string; readonly name: string }
  /** Everything mounted at or below the path. */
  | { readonly kind: 'mounts'; readonly path: string }
  /** Loop devices of files below the path, and those on top of them. */
  | { readonly kind: 'loop-devices'; readonly path: string }
  /** A directory below a cgroup file system: its processes are killed, it and its children removed. */
  | { readonly kind: 'cgroup'; readonly path: string }
  | { readonly kind: 'directory'; readonly path: string }

export type JournalEntry = ProcessEntry | Cleanup

/** What a test bed consists of, as `attach` needs it: written once its clusters are up. Opaque to the journal. */
export type Description = Readonly<Record<string, unknown>>

type Line =
  | { readonly op: 'add'; readonly entry: JournalEntry }
  | { readonly op: 'describe'; readonly description: Description }

/**
 * What a test bed has created, in order, so that any later process can take it down again.
 *
 * An append-only file of JSON lines (`journal.jsonl`): one `write` per line needs no lock between processes, and whoever
 * dies with SIGKILL half-way costs at most the line it was writing. Add a resource *before* creating it.
 */
export class Journal {
  readonly dir: string
  readonly #file: string

  /** Opens the journal of a test bed's folder, creating the folder when it is missing. */
  constructor(dir: string) {
    this.dir = dir
    this.#file = path.join(dir, 'journal.jsonl')
    mkdirSync(dir, { recursive: true, mode: 0o700 })
  }

  add(entry: JournalEntry): void {
    this.#append({ op: 'add', entry })
  }

  describe(description: Description): void {
    this.#append({ op: 'describe', description })
  }

  /** The newest description, or undefined when the test bed never came up. */
  description(): Description | undefined {
    return this.#lines().reduce<Description | undefined>(
      (last, l) => (l.op === 'describe' ? l.description : last),
      undefined,
    )
  }

  /** Resources in order of creation; a process that was started again stands where it first stood. */
  entries(): JournalEntry[] {
    const entries = new Map<string, JournalEntry>()
    for (const line of this.#lines()) if (line.op === 'add') entries.set(keyOf(line.entry), line.entry)
    return [...entries.values()]
  }

  processes(): ProcessEntry[] {
    return this.entries().filter((e) => e.kind === 'process')
  }

  /** The newest record of one component. */
  process(id: string): ProcessEntry | undefined {
    return this.processes().find((p) => p.spec.id === id)
  }

  #append(line: Line): void {
    // The leading newline keeps a line that was torn by a crash from swallowing this one.
    appendFileSync(this.#file, `\n${JSON.stringify(line)}\n`, { mode: 0o600 })
  }

  #lines(): Line[] {
    let text: string
    try {
      text = readFileSync(this.#file, 'utf8')
    } catch {
      return []
    }
    return text.split('\n').flatMap(parse)
  }
}

function parse(line: string): Line[] {
  if (line === '') return []
  try {
    return [JSON.parse(line) as Line]
  } catch {
    return []
  }
}

function keyOf(entry: JournalEntry): string {
  return entry.kind === 'process' ? `process ${entry.spec.id}` : JSON.stringify(entry)
}
