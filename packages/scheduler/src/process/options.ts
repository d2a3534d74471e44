import { addressOf, type CommonOptions, readCommandLine } from '@kosmos/kube/process'
import type { CertificateTimes } from '../webhook/controller.ts'

export interface SchedulerProcessOptions extends CommonOptions {
  /** How long a leaf, or kube-scheduler, may look for a node for a pod before it is taken back; 0: as long as they like. */
  readonly takeBackAfterMs: number
  /** Where API servers are answered that ask about new pods; undefined: nowhere. */
  readonly webhook: WebhookPort | undefined
}

interface WebhookPort {
  readonly address: string
  readonly port: number
  /** Where API servers reach it, if not by the Service. */
  readonly url: string | undefined
  /** Of PEM: who signs the certificates that API servers show; undefined: they show none. */
  readonly clientCAFile: string | undefined
  /** When its certificate is renewed, if not at the usual times; no flag sets it. */
  readonly times?: Partial<CertificateTimes>
}

const command = {
  component: 'scheduler',
  own: {
    'take-back-after': {
      default: '30',
      value: 'SECONDS',
      description:
        "how long a leaf or the root's scheduler may look for a node before a pod is taken back (default: 30; 0: never)",
    },
    webhook: {
      default: '',
      value: 'ADDRESS:PORT',
      description: 'answers API servers without MutatingAdmissionPolicies that ask about new pods (default: none)',
    },
    'webhook-url': {
      default: '',
      value: 'URL',
      description: 'https://HOST:PORT/pods, where they reach it (default: the Service scheduler-webhook)',
    },
    'webhook-client-ca-file': {
      default: '',
      value: 'FILE',
      description: 'who signs the certificates that they have to show, PEM (default: anybody may ask)',
    },
  },
}

/** Reads the command line; throws with what is wrong and the usage. */
export function parseOptions(args: readonly string[], env: NodeJS.ProcessEnv): SchedulerProcessOptions {
  const { common, own, fail } = readCommandLine(command, args, env)
  const seconds = own['take-back-after']
  if (!/^\d{1,5}$/.test(seconds)) fail(`--take-back-after ${seconds}: a number of seconds is needed`)
  return { ...common, takeBackAfterMs: Number(seconds) * 1000, webhook: webhookOf(own, fail) }
}

function webhookOf(
  {
    webhook,
    'webhook-url': url,
    'webhook-client-ca-file': clientCAFile,
  }: Readonly<Record<'webhook' | 'webhook-url' | 'webhook-client-ca-file', string>>,
  fail: (problem: string) => never,
): SchedulerProcessOptions['webhook'] {
  if (url && (!webhook || !URL.canParse(url) || !/^https:\/\/[^/]+\/pods$/.test(url))) {
    fail(`--webhook-url ${url}: https://HOST:PORT/pods is needed, and --webhook`)
  }
  if (clientCAFile && !webhook) fail('--webhook-client-ca-file needs --webhook')
  if (!webhook) return undefined
  const { address, port } = addressOf('webhook', webhook, fail)
  return { address, port, url: url || undefined, clientCAFile: clientCAFile || undefined }
}
