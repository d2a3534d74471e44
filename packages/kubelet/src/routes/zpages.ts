import type { ServerResponse } from 'node:http'
import { timestamp } from '@kosmos/kube'
import { send, sendJson } from '../answer.ts'
import { areas } from './areas.ts'
import type { RequestContext } from './context.ts'
import type { RouteParams } from './params.ts'
import { type StructuredKind, zpageForm } from './zpage-form.ts'

/** The flags of the process that serves the virtual nodes; none of them is a secret. */
export type Flags = Readonly<Record<string, string>>

const apiVersion = 'config.k8s.io/v1beta1'
const metadata = { name: 'kubelet' }

/** The pages by which every component of Kubernetes tells of itself (KEP-4827, KEP-4828). */
export function zpages(flags: Flags) {
  const startTime = new Date(Date.now() - process.uptime() * 1_000)

  /** GET /statusz */
  const statusz = async (_: RouteParams, __: URLSearchParams, response: ServerResponse, { node }: RequestContext) => {
    const status = {
      startTime: timestamp(startTime.getTime()),
      uptimeSeconds: Math.floor(process.uptime()),
      goVersion: `none (Node.js ${process.version})`,
      // As the Node says of its kubelet.
      binaryVersion: node.version.replace(/^v/, ''),
      paths,
    }
    const { uptimeSeconds, goVersion, binaryVersion } = status
    const kind = { kind: 'Statusz', apiVersion } as const
    answer(response, kind, status, [
      `Started: ${unixDate(startTime)}`,
      `Up: ${uptime(uptimeSeconds)}`,
      `Go version: ${goVersion}`,
      `Binary version: ${binaryVersion}`,
      '',
      `Paths: ${paths.join(' ')}`,
    ])
  }

  /** GET /flagz */
  const flagz = async (_: RouteParams, __: URLSearchParams, response: ServerResponse) => {
    const lines = Object.entries(flags)
      .map(([flag, value]) => `${flag}=${value}`)
      .sort()
    answer(response, { kind: 'Flagz', apiVersion }, { flags }, lines)
  }

  return { statusz, flagz }
}

/** As upstream tells them: the first parts of all paths. */
const paths = [...new Set(areas.map(({ base }) => `/${base.split('/')[1]}`))].sort()

const WARNING =
  'Warning: This endpoint is not meant to be machine parseable, has no formatting compatibility guarantees and is for debugging purposes only.'

function answer(response: ServerResponse, kind: StructuredKind, content: object, lines: readonly string[]): void {
  switch (zpageForm(response.req.headers.accept, kind)) {
    case 'text':
      send(response, {
        code: 200,
        text: ['', `kubelet ${kind.kind.toLowerCase()}`, WARNING, '', ...lines, ''].join('\n'),
      })
      break
    case 'json':
      sendJson(response, { ...kind, metadata, ...content })
      break
    case undefined: {
      const accepted = `text/plain, application/json;v=v1beta1;g=config.k8s.io;as=${kind.kind}`
      send(response, { code: 406, text: `only the following media types are accepted: ${accepted}` })
    }
  }
}

/** `Mon Jan _2 15:04:05 UTC 2006`. Pure. */
function unixDate(date: Date): string {
  const [day = '', number = '', month = '', year = '', time = ''] = date.toUTCString().replace(',', '').split(' ')
  return `${day} ${month} ${String(Number(number)).padStart(2)} ${time} UTC ${year}`
}

function uptime(seconds: number): string {
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60]
  return `${hours} hr ${String(minutes).padStart(2, '0')} min ${String(seconds % 60).padStart(2, '0')} sec`
}
