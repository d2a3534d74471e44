import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { formatRange, parseRange } from './ipv4.ts'
import { freeSubnet } from './underlay.ts'

describe('the network of a test bed’s nodes', () => {
  const choose = (inUse: string[], start: number): string => formatRange(freeSubnet(inUse.map(parseRange), start))

  it('is where the test bed begins to look, when that is free', () => {
    assert.equal(choose([], 7), '172.28.7.0/24')
  })

  it('avoids every route of the machine, wider and narrower ones alike, and looks around the end', () => {
    assert.equal(choose(['172.28.7.0/24', '172.28.8.77'], 7), '172.28.9.0/24')
    assert.equal(choose(['172.28.128.0/17'], 200), '172.28.0.0/24')
  })

  it('says so when the machine uses all of the range itself', () => {
    assert.throws(() => choose(['172.16.0.0/12'], 0), /172\.28\.0\.0\/16 has no free \/24 .*"ip route"/)
  })
})
