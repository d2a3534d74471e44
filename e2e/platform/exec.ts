import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { Writable } from 'node:stream'
import { Exec, KubeConfig } from '@kubernetes/client-node'

/** A container that is reached through one of two API servers. */
export interface Target {
  readonly kubectl: string
  readonly kubeconfig: string
  readonly namespace: string
  readonly pod: string
}

const MIB = 2 ** 20

/**
 * Mebibytes a second that a command's output comes at, by the real kubectl: client-node's Exec closes the session when the
 * command has ended, also before all of its output has arrived.
 */
export async function throughput({ kubectl, kubeconfig, namespace, pod }: Target, mib: number): Promise<number> {
  const started = performance.now()
  const command = ['dd', 'if=/dev/zero', 'bs=1M', `count=${mib}`]
  const args = ['--kubeconfig', kubeconfig, 'exec', '-n', namespace, pod, '-c', 'main', '--', ...command]
  const child = spawn(kubectl, args, { stdio: ['ignore', 'pipe', 'ignore'] })
  let bytes = 0
  child.stdout.on('data', (chunk: Buffer) => {
    bytes += chunk.length
  })
  await once(child, 'close')
  if (bytes !== mib * MIB) throw new Error(`${bytes} bytes came of ${mib} MiB by ${kubeconfig}`)
  return mib / ((performance.now() - started) / 1000)
}

/** Milliseconds from the request to the first byte of output. */
export async function firstByteMs(target: Target): Promise<number> {
  const started = performance.now()
  let first: number | undefined
  await run(target, ['echo', 'here'], () => (first ??= performance.now() - started))
  if (first === undefined) throw new Error('the command said nothing')
  return first
}

/** Opens sessions that do nothing, one after the other, and resolves with what closes them. */
export async function openIdle(
  { kubeconfig, namespace, pod }: Omit<Target, 'kubectl'>,
  count: number,
): Promise<() => void> {
  const exec = new Exec(configOf(kubeconfig))
  const close: (() => void)[] = []
  for (let i = 0; i < count; i++) {
    const opened = Promise.withResolvers<void>()
    const stdout = sink(() => opened.resolve())
    const socket = await exec.exec(
      namespace,
      pod,
      'main',
      ['sh', '-c', 'echo here; exec sleep 600'],
      stdout,
      null,
      null,
      false,
      ({ message }) => opened.reject(new Error(message ?? 'the command ended')),
    )
    await opened.promise
    close.push(() => socket.close())
  }
  return () => {
    for (const end of close) end()
  }
}

async function run({ kubeconfig, namespace, pod }: Target, command: string[], onData: (chunk: Buffer) => void) {
  const ended = Promise.withResolvers<void>()
  await new Exec(configOf(kubeconfig)).exec(
    namespace,
    pod,
    'main',
    command,
    sink(onData),
    sink(() => {}),
    null,
    false,
    ({ status, message }) =>
      status === 'Success' ? ended.resolve() : ended.reject(new Error(message ?? 'the command failed')),
  )
  await ended.promise
}

function configOf(kubeconfig: string): KubeConfig {
  const config = new KubeConfig()
  config.loadFromFile(kubeconfig)
  return config
}

function sink(onData: (chunk: Buffer) => void): Writable {
  return new Writable({
    write: (chunk: Buffer, _encoding, next) => {
      onData(chunk)
      next()
    },
  })
}
