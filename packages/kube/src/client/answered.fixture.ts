import type { TestContext } from 'node:test'
import { Connection, type ConnectionOptions } from '../connection/connection.ts'
import { base64, configFor, createCertificates, startPeer, unhurried } from '../connection/peer.fixture.ts'
import { createTransport } from '../connection/transport.ts'
import { Client } from './client.ts'

/** What a server answers. */
export type Answer = Parameters<typeof startPeer>[2]

/** The client of a server that answers as the test says: in good order, late, or never. */
export async function clientAnswered(
  t: Pick<TestContext, 'after'>,
  answer: Answer,
  options: ConnectionOptions = {},
): Promise<Client> {
  const certificates = await createCertificates()
  const { url } = await startPeer(t, certificates, answer)
  const config = configFor(url, { caData: base64(certificates.authority.certificate) })
  const connection = new Connection('leaf', await createTransport(config, unhurried), options)
  t.after(() => connection.close())
  return new Client(connection, 'kosmos-test')
}
