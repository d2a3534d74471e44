import assert from 'node:assert/strict'
import { it } from 'node:test'
import { clientAnswered } from '../client/answered.fixture.ts'
import { resource } from '../objects/resources.ts'
import { type Review, review } from './review.ts'

it('a verdict is not waited for as long as the API server likes: few are asked for at a time, and whoever calls waits', {
  timeout: 120_000,
}, async (t) => {
  const client = await clientAnswered(t, (_request, response) => {
    response.writeHead(429, { 'retry-after': '3600' }).end()
  })
  const reviews = resource<Review<object>>('authentication.k8s.io/v1', 'TokenReview', 'tokenreviews', 'Cluster')
  await assert.rejects(review(client, reviews, { token: 'x' }, 200), /tokenreviews: no answer in the time it had$/)
})
