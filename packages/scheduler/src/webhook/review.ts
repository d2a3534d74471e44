import type { Pod } from '@kosmos/kube'
import { admit, type Question } from './admit.ts'

/** What an API server asks (admission.k8s.io/v1), as far as it is read; checked at the door. */
export interface AdmissionReview {
  readonly request: {
    readonly uid: string
    readonly object: Pod
  }
}

export const reviewSchema = {
  type: 'object',
  required: ['apiVersion', 'request'],
  properties: {
    apiVersion: { const: 'admission.k8s.io/v1' },
    request: {
      type: 'object',
      required: ['uid', 'object'],
      properties: {
        uid: { type: 'string', minLength: 1, maxLength: 128 },
        object: {
          type: 'object',
          required: ['kind', 'metadata', 'spec'],
          properties: { kind: { const: 'Pod' }, metadata: { type: 'object' }, spec: { type: 'object' } },
        },
      },
    },
  },
} as const

/** The answer: always allowed, with what the pod gets. Pure. */
export function answer({ request: { uid, object } }: AdmissionReview, question: Question): object {
  const steps = admit(object, question)
  const patch = Buffer.from(JSON.stringify(steps)).toString('base64')
  const response = { uid, allowed: true, ...(steps.length > 0 && { patchType: 'JSONPatch', patch }) }
  return { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response }
}
