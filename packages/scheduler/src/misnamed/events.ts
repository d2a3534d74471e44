import type { EventContent } from '@kosmos/kube'
import { misnamedText } from './misnamed.ts'

/** What the user who looks at a pod reads about the policy that it names; nothing else writes event text. */
export const misnamedEvents = {
  policyNotFound: (name: string, namespace: string): EventContent => ({
    type: 'Warning',
    reason: 'PolicyNotFound',
    action: 'Placing',
    note: `${misnamedText(name, namespace)}. Correct it, or create the policy, and then the pod anew`,
  }),
}
