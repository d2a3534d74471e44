import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { keyOf } from '../objects/key.ts'
import type { KubeObject } from '../objects/types.ts'
import { type Change, Store } from './store.ts'

interface Item extends KubeObject {
  readonly color: string
  readonly tags: readonly string[]
}

const item = (
  name: string,
  uid: string,
  resourceVersion: string,
  color = 'red',
  tags: readonly string[] = [],
): Item => ({
  metadata: { name, namespace: 'shop', uid, resourceVersion },
  color,
  tags,
})

const indexes = { color: (object: Item) => [object.color], tag: (object: Item) => object.tags }

function recorded(store: Pick<Store<Item>, 'subscribe'>) {
  const changes: Change<Item>[] = []
  store.subscribe((change) => changes.push(change))
  return changes
}

/** The state that somebody holds who only heard the changes; every change must fit to what was before. */
function replay(changes: readonly Change<Item>[]): Map<string, Item> {
  const state = new Map<string, Item>()
  for (const change of changes) {
    const before = state.get(change.key)
    assert.equal(change.key, keyOf(change.object))
    if (change.type === 'added') assert.equal(before, undefined, `${change.key} was added twice`)
    else assert.ok(before, `${change.key} was ${change.type} without having been added`)
    if (change.type === 'updated') {
      assert.equal(change.old, before)
      assert.equal(change.object.metadata?.uid, before?.metadata?.uid, 'an update is of one incarnation')
      assert.notEqual(change.object.metadata?.resourceVersion, before?.metadata?.resourceVersion)
    }
    if (change.type === 'deleted') {
      assert.equal(change.object.metadata?.uid, before?.metadata?.uid)
      state.delete(change.key)
    } else state.set(change.key, change.object)
  }
  return state
}

const byKey = (objects: Iterable<Item>) => new Map([...objects].map((object) => [keyOf(object), object]))

describe('a store', () => {
  it('tells nothing when the state that it gets is the one it holds', () => {
    const store = new Store<Item, 'color' | 'tag'>({ indexes })
    const changes = recorded(store)
    store.set(item('a', 'u1', '1'))
    store.set(item('a', 'u1', '1'))
    store.replaceAll([item('a', 'u1', '1')])
    assert.deepEqual(
      changes.map(({ type }) => type),
      ['added'],
    )
  })

  it('tells what it was given beside what the transform made of it, of single changes only', () => {
    const transform = ({ metadata }: Item): Item => ({ metadata, color: '', tags: [] }) as Item
    const store = new Store<Item>({ transform })
    const given: (Item | undefined)[] = []
    store.subscribe((change) => given.push(change.type === 'deleted' ? undefined : change.given))
    const [first, second, third] = ['1', '2', '3'].map((version) => item('a', 'u1', version))
    assert(first && second && third)
    store.set(first)
    store.set(second)
    store.replaceAll([third])
    assert.deepEqual(given, [first, second, undefined])
    assert.equal(store.get('shop/a')?.color, '')
  })

  it('tells nothing beside the object where the transform leaves it as it is', () => {
    const store = new Store<Item>()
    const changes = recorded(store)
    store.set(item('a', 'u1', '1'))
    assert.deepEqual(
      changes.map((change) => 'given' in change),
      [false],
    )
  })

  it('tells of every state that has no version: whether it is the one held cannot be known', () => {
    const store = new Store<Item>()
    const changes = recorded(store)
    const unversioned = { metadata: { name: 'a', namespace: 'shop', uid: 'u1' }, color: 'red', tags: [] }
    store.set(unversioned)
    store.set({ ...unversioned, color: 'blue' })
    assert.deepEqual(
      changes.map(({ object }) => object.color),
      ['red', 'blue'],
    )
  })

  it('remembers nothing of an object that is gone, nor of its values in indexes', () => {
    setFlagsFromString('--expose-gc')
    const collect: () => void = runInNewContext('gc')
    const heap = () => {
      collect()
      return process.memoryUsage().heapUsed
    }
    const store = new Store<Item, 'color' | 'tag'>({ indexes })
    const before = heap()
    for (let i = 0; i < 100_000; i++) {
      const short = item(`n${i}`, `u${i}`, '1', `color ${i}`, [`tag ${i}`])
      store.set(short)
      store.delete(short)
    }
    const bytes = (heap() - before) / 100_000
    assert.ok(bytes < 50, `${bytes} bytes an object`)
    assert.equal(store.size, 0)
  })

  it('tells of an object that was replaced under its name as deleted, then added', () => {
    for (const write of ['set', 'replaceAll'] as const) {
      const store = new Store<Item, 'color' | 'tag'>({ indexes })
      store.set(item('a', 'u1', '1'))
      const changes = recorded(store)
      if (write === 'set') store.set(item('a', 'u2', '5'))
      else store.replaceAll([item('a', 'u2', '5')])
      assert.deepEqual(
        changes.map(({ type, object }) => [type, object.metadata?.uid]),
        [
          ['added', 'u1'],
          ['deleted', 'u1'],
          ['added', 'u2'],
        ],
      )
    }
  })

  it('gives the last state with a deletion: the final one if it is of the same incarnation, else the one held', () => {
    const store = new Store<Item, 'color' | 'tag'>({ indexes })
    const changes = recorded(store)
    store.set(item('a', 'u1', '1'))
    store.delete(item('a', 'u1', '2', 'blue'))
    store.set(item('b', 'u2', '3'))
    store.delete(item('b', 'other', '4', 'blue'))
    const deleted = changes.filter(({ type }) => type === 'deleted').map(({ object }) => object)
    assert.deepEqual(
      deleted.map(({ color }) => color),
      ['blue', 'red'],
    )
    assert.deepEqual([...store.by('color', 'red'), ...store.by('color', 'blue')], [])
  })

  it('is quiet about deleting what it does not hold', () => {
    const store = new Store<Item, 'color' | 'tag'>({ indexes })
    const changes = recorded(store)
    store.delete(item('a', 'u1', '1'))
    assert.deepEqual(changes, [])
  })

  it('finds objects by index as if it looked at each, and its subscribers know its state, after any sequence', () => {
    const tags = fc.subarray(['x', 'y', 'z'])
    const given = fc.record({
      name: fc.constantFrom('a', 'b', 'c', 'd'),
      uid: fc.constantFrom('u1', 'u2'),
      version: fc.constantFrom('1', '2', '3'),
      color: fc.constantFrom('red', 'green', 'blue'),
      // The same value twice is one entry of an index.
      tags: tags.map((some) => [...some, ...some]),
    })
    const built = given.map(({ name, uid, version, color, tags }) => item(name, uid, version, color, tags))
    const step = fc.oneof(
      { weight: 6, arbitrary: fc.record({ kind: fc.constant('set' as const), objects: fc.tuple(built) }) },
      { weight: 3, arbitrary: fc.record({ kind: fc.constant('delete' as const), objects: fc.tuple(built) }) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant('replaceAll' as const), objects: fc.array(built) }) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant('subscribe' as const), objects: fc.constant([]) }) },
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const store = new Store<Item, 'color' | 'tag'>({ indexes })
        const heard = [recorded(store)]
        let model = new Map<string, Item>()
        const keep = (object: Item) => {
          const old = model.get(keyOf(object))
          const same =
            old?.metadata?.uid === object.metadata?.uid &&
            old?.metadata?.resourceVersion === object.metadata?.resourceVersion
          if (!same) model.set(keyOf(object), object)
        }
        for (const { kind, objects } of steps) {
          if (kind === 'subscribe') heard.push(recorded(store))
          else if (kind === 'replaceAll') {
            store.replaceAll(objects)
            const kept = new Set(objects.map(keyOf))
            model = new Map([...model].filter(([key]) => kept.has(key)))
            for (const object of objects) keep(object)
          } else if (kind === 'set') {
            store.set(objects[0])
            keep(objects[0])
          } else {
            store.delete(objects[0])
            model.delete(keyOf(objects[0]))
          }
        }
        assert.deepEqual(byKey(store.values()), model)
        assert.equal(store.size, model.size)
        for (const changes of heard) assert.deepEqual(replay(changes), model)
        for (const [index, values] of Object.entries({
          color: ['red', 'green', 'blue'],
          tag: ['x', 'y', 'z', 'none'],
        })) {
          const name = index as 'color' | 'tag'
          for (const value of values) {
            const expected = byKey([...model.values()].filter((object) => indexes[name](object).includes(value)))
            const found = [...store.by(name, value)]
            assert.deepEqual(byKey(found), expected)
            assert.equal(found.length, expected.size)
            assert.equal(store.countBy(name, value), expected.size)
          }
        }
        for (const [key, object] of model) assert.equal(store.get(key)?.color, object.color)
      }),
      { numRuns: 300 },
    )
  })

  it('refuses an index that was not declared', () => {
    const store = new Store<Item, 'color' | 'tag'>({ indexes })
    assert.throws(() => store.countBy('size' as 'color', 'x'), /there is no index "size"/)
  })
})

describe('a subscriber that throws', () => {
  it('stops neither the others nor the store, and is reported', () => {
    const errors: string[] = []
    const store = new Store<Item, 'color' | 'tag'>({
      indexes,
      onSubscriberError: (error) => errors.push(error.message),
    })
    store.set(item('a', 'u1', '1'))
    store.subscribe(({ type }) => {
      throw new Error(type)
    })
    const changes = recorded(store)
    store.set(item('a', 'u1', '2'))
    store.delete(item('a', 'u1', '3'))
    assert.equal(store.size, 0)
    assert.deepEqual(errors, ['added', 'updated', 'deleted'])
    assert.deepEqual(
      changes.map(({ type }) => type),
      ['added', 'updated', 'deleted'],
    )
  })
})

describe('a subscription', () => {
  it('that begins while a change is told hears of each object once', () => {
    const store = new Store<Item, 'color' | 'tag'>({ indexes })
    let late: Change<Item>[] | undefined
    store.subscribe(() => {
      late ??= recorded(store)
    })
    store.set(item('a', 'u1', '1'))
    store.set(item('b', 'u2', '2'))
    assert.deepEqual(replay(late ?? []), byKey(store.values()))
  })

  it('hears nothing after its end, even if another subscriber ends it while a change is told', () => {
    const store = new Store<Item, 'color' | 'tag'>({ indexes })
    let end = () => {}
    store.subscribe(() => end())
    const heard: string[] = []
    end = store.subscribe(({ key }) => heard.push(key))
    store.set(item('a', 'u1', '1'))
    store.set(item('b', 'u2', '2'))
    assert.deepEqual(heard, [])
  })
})

describe('an index function that throws', () => {
  it('keeps the object out as a whole, and says why to the writer', () => {
    const store = new Store<Item, 'color' | 'tag'>({
      indexes: {
        color: indexes.color,
        tag: (object) => {
          if (object.tags.includes('bad')) throw new Error('no such tag')
          return object.tags
        },
      },
    })
    const changes = recorded(store)
    store.set(item('a', 'u1', '1', 'red', ['x']))
    assert.throws(() => store.set(item('a', 'u1', '2', 'blue', ['bad'])), /no such tag/)
    assert.throws(() => store.set(item('b', 'u2', '3', 'blue', ['bad'])), /no such tag/)
    assert.deepEqual(
      [...store.values()].map(({ metadata }) => metadata?.resourceVersion),
      ['1'],
    )
    assert.equal(store.countBy('color', 'red'), 1)
    assert.equal(store.countBy('color', 'blue'), 0)
    assert.equal(changes.length, 1)
  })
})
