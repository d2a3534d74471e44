import { Writable } from 'node:stream'
import { Exec, type KubeConfig } from '@kubernetes/client-node'

/** A container that is reached through one of two API servers. */
export interface Target {
  readonly config: KubeConfig
  readonly namespace: string
  readonly pod: string
}

const MIB = 2 ** 20

/** Mebibytes a second that a command's output comes at. */
export async function throughput(target: Target, mib: number): Promise<number> {
  const started = performance.now()
  let bytes = 0
  await run(target, ['dd', 'if=/dev/zero', 'bs=1M', `count=${mib}`], (chunk) => (bytes += chunk.length))
  if (bytes !== mib * MIB) throw new Error(`${bytes} bytes came of ${mib} MiB`)
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
export async function openIdle({ config, namespace, pod }: Target, count: number): Promise<() => void> {
  const close: (() => void)[] = []
  for (let i = 0; i < count; i++) {
    const opened = Promise.withResolvers<void>()
    const stdout = sink(() => opened.resolve())
    const socket = await new Exec(config).exec(
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

async function run({ config, namespace, pod }: Target, command: string[], onData: (chunk: Buffer) => void) {
  const ended = Promise.withResolvers<void>()
  await new Exec(config).exec(
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

function sink(onData: (chunk: Buffer) => void): Writable {
  return new Writable({
    write: (chunk: Buffer, _encoding, next) => {
      onData(chunk)
      next()
    },
  })
}
