import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createLog } from './log.ts'

describe('the log', () => {
  it('is a line of JSON an event, whatever the text', () => {
    const lines: string[] = []
    createLog('info', (line) => lines.push(line))('warn', 'leaf.failed', { cluster: 'east', reason: 'a\nb "c"' })
    assert.equal(lines.length, 1)
    assert.match(lines[0] ?? '', /^[^\n]*\n$/)
    const { time, ...event } = JSON.parse(lines[0] ?? '')
    assert.deepEqual(event, { level: 'warn', event: 'leaf.failed', cluster: 'east', reason: 'a\nb "c"' })
    assert.equal(new Date(time).toISOString(), time)
  })

  it('leaves out what is less than asked for', () => {
    const seen = (least: 'debug' | 'info' | 'warn' | 'error') => {
      const lines: string[] = []
      const log = createLog(least, (line) => lines.push(JSON.parse(line).level))
      for (const level of ['debug', 'info', 'warn', 'error'] as const) log(level, 'e')
      return lines
    }
    assert.deepEqual(seen('debug'), ['debug', 'info', 'warn', 'error'])
    assert.deepEqual(seen('warn'), ['warn', 'error'])
    assert.deepEqual(seen('error'), ['error'])
  })
})
