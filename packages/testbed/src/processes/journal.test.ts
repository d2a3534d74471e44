import assert from 'node:assert/strict'
import { appendFileSync, mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { Journal, type ProcessEntry } from './journal.ts'

describe('the journal of a test bed', () => {
  let dir = ''
  beforeEach(() => {
    dir = mkdtempSync(path.join(os.tmpdir(), 'kosmos-journal-'))
  })
  afterEach(() => rmSync(dir, { recursive: true, force: true }))

  const started = (id: string, pid: number): ProcessEntry => ({
    kind: 'process',
    pid,
    startTime: pid * 10,
    spec: { id, argv: ['/bin/true'], log: '/dev/null' },
  })

  it('gives back what was added, in order, to any other process', () => {
    const journal = new Journal(dir)
    journal.add({ kind: 'link', name: 'kosmos0' })
    journal.add(started('leaf1/etcd', 1))
    assert.deepEqual(new Journal(dir).entries(), [{ kind: 'link', name: 'kosmos0' }, started('leaf1/etcd', 1)])
  })

  it('knows the newest process of a component that was started again, in its old place', () => {
    const journal = new Journal(dir)
    for (const [id, pid] of [
      ['etcd', 1],
      ['kube-apiserver', 2],
      ['etcd', 3],
    ] as const)
      journal.add(started(id, pid))
    assert.deepEqual(
      journal.processes().map((p) => p.pid),
      [3, 2],
    )
    assert.equal(journal.process('etcd')?.pid, 3)
  })

  it('loses only the line whose writer was killed', () => {
    const journal = new Journal(dir)
    journal.add(started('etcd', 1))
    appendFileSync(path.join(dir, 'journal.jsonl'), '\n{"op":"add","entry":{"kind":"pro')
    journal.add(started('kube-apiserver', 2))
    assert.deepEqual(
      journal.processes().map((p) => p.pid),
      [1, 2],
    )
  })

  it('has no description before the test bed is up, then the last one', () => {
    const journal = new Journal(dir)
    assert.equal(journal.description(), undefined)
    journal.describe({ name: 'a' })
    journal.describe({ name: 'b' })
    assert.deepEqual(journal.description(), { name: 'b' })
  })
})
