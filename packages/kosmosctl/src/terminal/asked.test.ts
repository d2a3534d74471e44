import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { asked } from './asked.ts'
import { WrongUsage } from './failure.ts'

const kinds = { pods: 'pods', pod: 'pods', po: 'pods', clusters: 'clusters', deployment: 'deployment' } as const

describe('what a command is asked about', () => {
  it('is written as kubectl takes it', () => {
    assert.deepEqual(asked(['pods'], kinds), { kind: 'pods', names: [] })
    assert.deepEqual(asked(['PO', 'web', 'db'], kinds), { kind: 'pods', names: ['web', 'db'] })
    assert.deepEqual(asked(['pod/web', 'pods/db'], kinds), { kind: 'pods', names: ['web', 'db'] })
    assert.deepEqual(asked(['deployment.apps/web'], kinds), { kind: 'deployment', names: ['web'] })
  })

  it('is refused with what to type, where kubectl refuses it as well', () => {
    for (const [words, message, next] of [
      [['pod/web', 'db'], '"db" comes after KIND/NAME, and has no kind', 'write pod/web pod/db'],
      [['pod/'], '"pod/" has no name after the /', 'pods/NAME'],
      [['pod/web', 'clusters/paris'], 'pods and clusters at once', 'ask for one of them at a time'],
      [
        ['toString/web'],
        '"toString" is nothing that this can be asked for',
        'the kind comes first, then the name; kinds are pods, clusters, deployment',
      ],
    ] as const) {
      assert.throws(
        () => asked(words, kinds),
        (error) => {
          assert.ok(error instanceof WrongUsage)
          assert.deepEqual([error.message, error.next], [message, next])
          return true
        },
      )
    }
  })
})
