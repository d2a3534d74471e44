import { renameReferences } from '../renamed-references.ts'
import { type PodMutation, withSpec } from '../translation.ts'

/** Makes the pod use our copies where the leaf has something else of that name. */
export const referToCopies: PodMutation = (translation, _root, { nameOf }) =>
  nameOf ? withSpec(translation, renameReferences(translation.pod.spec, nameOf)) : translation
