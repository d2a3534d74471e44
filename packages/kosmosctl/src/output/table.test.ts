import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { table } from './table.ts'

describe('a table', () => {
  it('has columns three spaces apart, as kubectl prints them, and no spaces at line ends', () => {
    const text = table(
      ['name', 'nodes ready', 'age'],
      [
        ['leaf1', 'True', '5m'],
        ['a-long-cluster-name', '', ''],
      ],
    )
    assert.equal(
      text,
      ['NAME                  NODES READY   AGE', 'leaf1                 True          5m', 'a-long-cluster-name'].join(
        '\n',
      ),
    )
  })

  it('keeps a row on one line whatever a message holds', () => {
    assert.equal(table(['what'], [['first\n  second']]).split('\n').length, 2)
  })
})
