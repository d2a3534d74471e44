import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { answersClusterSet, importsCustom, withClusterSet, withoutClusterSet } from './corefile.ts'

const stock = `.:53 {
    errors
    kubernetes cluster.local in-addr.arpa ip6.arpa {
       pods insecure
       ttl 30
    }
    forward . /etc/resolv.conf
    reload
}
`

describe('the configuration of CoreDNS', () => {
  it('answers names of imported Services where it says so, in whichever server', () => {
    assert.ok(!answersClusterSet(stock))
    assert.ok(!answersClusterSet(stock.replace('ttl 30', '# multicluster clusterset.local')))
    assert.ok(!answersClusterSet(stock.replace('ttl 30', 'multicluster example.org')))
    assert.ok(answersClusterSet(stock.replace('ttl 30', 'multicluster example.org clusterset.local.')))
    assert.ok(answersClusterSet(withClusterSet(stock)))
  })

  it('has a server more, once, and is what it was when that is taken away', () => {
    const added = withClusterSet(stock)
    assert.ok(added.startsWith(stock))
    assert.equal(withClusterSet(added), added)
    assert.equal(withoutClusterSet(added), stock)
    const changed = `${added}example.org {\n}\n`
    assert.equal(withoutClusterSet(changed), `${stock}example.org {\n}\n`)
  })

  it('stays as its owner has it where it answers already, or has nothing of ours', () => {
    const own = stock.replace('ttl 30', 'multicluster clusterset.local')
    assert.equal(withClusterSet(own), own)
    fc.assert(fc.property(fc.string(), (text) => assert.equal(withoutClusterSet(text), text)))
    fc.assert(
      fc.property(fc.string(), (text) => assert.equal(withoutClusterSet(withClusterSet(`${text}\n`)), `${text}\n`)),
    )
  })

  it('is known to be extended by a ConfigMap of users', () => {
    assert.ok(!importsCustom(stock))
    assert.ok(importsCustom(`${stock}import /etc/coredns/custom/*.server\n`))
    assert.ok(importsCustom(`${stock}import custom/*.server\n`))
    assert.ok(!importsCustom(stock.replace('reload', 'import /etc/coredns/custom/*.override')))
  })
})
