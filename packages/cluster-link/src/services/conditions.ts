import type { NewCondition } from '@kosmos/api'
import type { Service } from '@kosmos/kube'
import type { Conflict } from './merge.ts'

/** Why a Service is not exported although somebody asks for it. */
export function exportProblem(service: Service | undefined): { reason: string; message: string } | undefined {
  if (service === undefined) {
    return { reason: 'NoService', message: 'there is no Service of this name in the namespace; create it' }
  }
  if (service.spec?.type === 'ExternalName') {
    const message = 'a Service of type ExternalName has no endpoints to export; create one like it in each cluster'
    return { reason: 'InvalidServiceType', message }
  }
  return undefined
}

export interface ExportFacts {
  readonly service: Service | undefined
  readonly conflicts: readonly Conflict[]
  /** What stands in the way of importing it, by cluster. */
  readonly blocked: ReadonlyMap<string, string>
  readonly observedGeneration: number
}

/** The conditions of a ServiceExport, with the types and reasons of sigs.k8s.io/mcs-api. */
export function exportConditions(facts: ExportFacts): NewCondition[] {
  const { service, conflicts, blocked, observedGeneration } = facts
  const condition = (type: string, status: NewCondition['status'], reason: string, message: string): NewCondition => ({
    type,
    status,
    reason,
    message,
    observedGeneration,
  })
  const problem = exportProblem(service)
  if (problem) {
    return [
      condition('Valid', 'False', problem.reason, problem.message),
      condition('Ready', 'False', 'Pending', 'it is exported as soon as it is valid'),
      condition('Conflict', 'False', 'NoConflicts', ''),
    ]
  }
  const failed = [...blocked].sort().map(([cluster, why]) => `cluster ${cluster}: ${why}`)
  return [
    condition('Valid', 'True', 'Valid', ''),
    failed.length > 0
      ? condition('Ready', 'False', 'Failed', `not imported everywhere: ${failed.join('; ')}`)
      : condition('Ready', 'True', 'Exported', ''),
    conflicts.length > 0
      ? condition(
          'Conflict',
          'True',
          conflicts.map(({ reason }) => reason).join(','),
          conflicts.map(({ message }) => message).join('; '),
        )
      : condition('Conflict', 'False', 'NoConflicts', ''),
  ]
}
