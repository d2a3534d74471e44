/** Where agents are, and the Leases by which they say that they live; each has the name of its node. */
export const agentNamespace = 'kosmos-link'

/** How often an agent says that its status holds. */
export const wordEveryMs = 20_000

/** After so many of these without a word, nobody knows whether it does. */
export const wordsMissed = 2
