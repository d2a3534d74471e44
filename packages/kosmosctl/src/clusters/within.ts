import type { OpenCluster } from './connect.ts'

/**
 * Work with a cluster for which there is no more than so much time. After that its connection is closed, which ends whatever is under way
 * there; what is thrown then is `late`, and not how it ended.
 */
export async function within<T>(
  ms: number,
  { client: { connection } }: Pick<OpenCluster, 'client'>,
  work: () => Promise<T>,
  late: () => Error,
): Promise<T> {
  let isLate = false
  const timer = setTimeout(() => {
    isLate = true
    void connection.close()
  }, ms)
  try {
    return await work()
  } catch (error) {
    throw isLate ? late() : error
  } finally {
    clearTimeout(timer)
  }
}
