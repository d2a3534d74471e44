import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { repositoryOf } from './images.ts'

describe('the repository of an image', () => {
  for (const [image, repository] of [
    ['kosmos', 'kosmos'],
    ['kosmos:1.0', 'kosmos'],
    ['registry.example:5000/team/kosmos', 'registry.example:5000/team/kosmos'],
    ['registry.example:5000/team/kosmos:1.0', 'registry.example:5000/team/kosmos'],
    ['registry.example/kosmos@sha256:0123', 'registry.example/kosmos'],
    ['registry.example/kosmos:1.0@sha256:0123', 'registry.example/kosmos'],
  ] as const)
    it(`of ${image} is ${repository}`, () => assert.equal(repositoryOf(image), repository))
})
