/** A rule of an RBAC role, or of a SelfSubjectRulesReview. */
export interface Rule {
  readonly verbs: readonly string[]
  readonly apiGroups?: readonly string[]
  readonly resources?: readonly string[]
  readonly resourceNames?: readonly string[]
}

/** One verb on one resource, as `list pods` or `create pods/exec`. */
export interface Need {
  readonly verb: string
  readonly group: string
  readonly resource: string
}

/** Every single right that the rules grant for all names. Pure. */
export function needsOf(rules: readonly Rule[]): Need[] {
  return rules
    .filter(({ resourceNames }) => resourceNames === undefined)
    .flatMap(({ verbs, apiGroups = [], resources = [] }) =>
      verbs.flatMap((verb) => apiGroups.flatMap((group) => resources.map((resource) => ({ verb, group, resource })))),
    )
}

/** The needs that no rule covers. Pure. */
export function uncovered(needs: readonly Need[], rules: readonly Rule[]): Need[] {
  const includes = (list: readonly string[] | undefined, value: string) =>
    list?.includes('*') === true || list?.includes(value) === true
  return needs.filter(
    ({ verb, group, resource }) =>
      !rules.some(
        (rule) =>
          !rule.resourceNames?.length &&
          includes(rule.verbs, verb) &&
          includes(rule.apiGroups, group) &&
          includes(rule.resources, resource),
      ),
  )
}

export function describeNeed({ verb, group, resource }: Need): string {
  return `${verb} ${resource}${group && `.${group}`}`
}
