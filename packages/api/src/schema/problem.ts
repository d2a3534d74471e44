import type { TLocalizedValidationError } from 'typebox/error'
import { isObject } from './json.ts'

/** What is wrong with an object, and where: `spec.clusterTreeOptions.leafModels[0].taints[1].effect`. */
export interface Problem {
  readonly path: string
  readonly message: string
}

const identifier = /^[A-Za-z_][A-Za-z0-9_]*$/

/** A field path as in the API server's messages: `spec.nodes[0].labels[example.org/zone]`. */
export function fieldPath(parent: string, step: string | number): string {
  if (typeof step === 'number' || !identifier.test(step)) return `${parent}[${step}]`
  return parent === '' ? step : `${parent}.${step}`
}

export function isWithin(path: string, ancestor: string): boolean {
  return ancestor === '' || path === ancestor || path.startsWith(`${ancestor}.`) || path.startsWith(`${ancestor}[`)
}

/** Follows a JSON pointer from `root`, which itself is at `prefix`. */
function locate(root: unknown, pointer: string, prefix: string): { path: string; value: unknown } {
  let path = prefix
  let value = root
  for (const token of pointer.split('/').slice(1)) {
    const step = token.replaceAll('~1', '/').replaceAll('~0', '~')
    if (Array.isArray(value)) {
      path = fieldPath(path, Number(step))
      value = value[Number(step)]
    } else {
      path = fieldPath(path, step)
      value = isObject(value) ? value[step] : undefined
    }
  }
  return { path, value }
}

function quoted(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing'
  return text.length > 60 ? `${text.slice(0, 57)}...` : text
}

/** A schema error in the words of Kubernetes' field errors (k8s.io/apimachinery/pkg/util/validation/field). */
export function problemsOf(error: TLocalizedValidationError, root: unknown, prefix: string): Problem[] {
  const { path, value } = locate(root, error.instancePath, prefix)
  const one = (message: string): Problem[] => [{ path, message }]
  switch (error.keyword) {
    case 'required':
      return error.params.requiredProperties.map((name) => ({ path: fieldPath(path, name), message: 'Required value' }))
    case 'additionalProperties':
      return error.params.additionalProperties.map((name) => ({
        path: fieldPath(path, name),
        message: 'Unknown field',
      }))
    case 'enum': {
      const supported = error.params.allowedValues.map(quoted).join(', ')
      return one(`Unsupported value: ${quoted(value)}: supported values: ${supported}`)
    }
    case 'type':
      return one(`Invalid value: ${quoted(value)}: must be of type ${error.params.type}`)
    case 'pattern':
      return one(`Invalid value: ${quoted(value)}: must match ${error.params.pattern}`)
    case 'maxLength':
      return one(`Too long: may not be more than ${error.params.limit} characters`)
    case 'maxItems':
    case 'maxProperties':
      return one(`Too many: must have at most ${error.params.limit} items`)
    default:
      return one(`Invalid value: ${quoted(value)}: ${error.message}`)
  }
}
