/**
 * What follows from an object that never changes, computed when it is first asked for: a plan asks the same of the same
 * clusters and nodes thousands of times, and most objects of a cache are the same the next time.
 */
export function oncePer<K extends WeakKey, V extends NonNullable<unknown>>(compute: (key: K) => V): (key: K) => V {
  const known = new WeakMap<K, V>()
  return (key) => {
    const before = known.get(key)
    if (before !== undefined) return before
    const value = compute(key)
    known.set(key, value)
    return value
  }
}
