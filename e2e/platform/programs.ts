import path from 'node:path'
import { type Component, clusterLink, clusterTree, scheduler } from './components.ts'

/** Folder with the programs of a whole run of tests: to bundle one takes longer than to start it. */
const variable = 'KOSMOS_BUNDLES'

/** Replicas have one program. */
const fileIn = (folder: string, { name }: Component) => path.join(folder, `${name.replace('-standby', '')}.mjs`)

/** Bundles every program into a folder, for all processes that get the variable that this returns. */
export async function bundlePrograms(folder: string): Promise<Readonly<Record<string, string>>> {
  await Promise.all([clusterTree, scheduler, clusterLink].map((one) => one.bundle(fileIn(folder, one))))
  return { [variable]: folder }
}

/** The program of a component: that of this run of tests, or one that is bundled now, into this folder. */
export async function programOf(component: Component, folder: string): Promise<string> {
  const shared = process.env[variable]
  if (shared !== undefined) return fileIn(shared, component)
  const file = path.join(folder, `${component.name}.mjs`)
  await component.bundle(file)
  return file
}

/** The environment of who makes programs of its own, as outside of tests. */
export const withoutPrograms = (): NodeJS.ProcessEnv => ({ ...process.env, [variable]: undefined })
