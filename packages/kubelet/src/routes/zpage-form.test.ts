import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { zpageForm } from './zpage-form.ts'

const statusz = { kind: 'Statusz', apiVersion: 'config.k8s.io/v1beta1' } as const
const structured = 'application/json;v=v1beta1;g=config.k8s.io;as=Statusz'

describe('the form of a z-page', () => {
  it('is text unless the kind is asked for by name', () => {
    // The third is what kubectl get --raw sends.
    for (const accept of [undefined, '', 'application/json, */*', 'text/plain', 'text/*', '*/*;q=0.1']) {
      assert.equal(zpageForm(accept, statusz), 'text', String(accept))
    }
    assert.equal(zpageForm(structured, statusz), 'json')
    assert.equal(zpageForm(`${structured}, text/plain`, statusz), 'json')
    assert.equal(zpageForm(`${structured};q=0.5, text/plain`, statusz), 'text')
  })

  it('is none if the client takes neither', () => {
    const others = ['application/json', 'application/yaml', structured.replace('Statusz', 'Flagz'), 'x', ';;=,']
    for (const accept of others) assert.equal(zpageForm(accept, statusz), undefined, accept)
  })
})
