import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Command, InvalidArgumentError } from 'commander'
import fc from 'fast-check'
import {
  clusterSource,
  parseCount,
  parseDuration,
  rootSource,
  withLongRootOptions,
  withRootOptions,
} from './options.ts'

describe('a duration', () => {
  for (const [text, seconds] of [
    ['90', 90],
    ['90s', 90],
    ['2m', 120],
    ['1h30m', 5400],
    ['30d', 2_592_000],
    ['0', 0],
  ] as const) {
    it(`${text} is ${seconds} s`, () => assert.equal(parseDuration(text), seconds))
  }

  it('is refused when any part of it makes no sense', () => {
    for (const text of ['', 'soon', '5 m', '-1m', '2x', '1m!', 'm5']) {
      assert.throws(() => parseDuration(text), InvalidArgumentError, text)
    }
  })

  it('adds up its units', () => {
    fc.assert(
      fc.property(fc.nat(100), fc.nat(100), fc.nat(100), (hours, minutes, seconds) => {
        assert.equal(parseDuration(`${hours}h${minutes}m${seconds}s`), hours * 3600 + minutes * 60 + seconds)
      }),
    )
  })
})

describe('a count', () => {
  it('is a whole number from 1 on', () => {
    assert.equal(parseCount('3'), 3)
    for (const text of ['0', '-1', '1.5', 'two', '']) assert.throws(() => parseCount(text), InvalidArgumentError)
  })
})

describe('the options of a command about a cluster that may be the root', () => {
  const sourceOf = (...argv: readonly string[]) => {
    let found: unknown
    const program = withRootOptions(new Command().enablePositionalOptions())
    const command = withRootOptions(program.command('export'))
    command.action(() => {
      found = clusterSource(command)
    })
    program.parse(['--kubeconfig', 'root', ...argv], { from: 'user' })
    return found
  }

  it('name it, also beside those that name the root', () => {
    const leaf = { file: 'leaf', context: undefined }
    assert.deepEqual(sourceOf('export', '--kubeconfig', 'leaf'), leaf)
    assert.deepEqual(sourceOf('export', '--kubeconfig', 'leaf', '--root-kubeconfig', 'r', '--root-context', 'c'), leaf)
  })

  it('leave it to be the root', () => {
    assert.deepEqual(sourceOf('export'), { file: 'root', context: undefined })
    assert.deepEqual(sourceOf('export', '--root-kubeconfig', 'r'), { file: 'r', context: undefined })
  })
})

describe('the options that name the root', () => {
  const sourceOf = (argv: readonly string[]) => {
    let found: unknown
    const program = withRootOptions(new Command().enablePositionalOptions())
    const get = withRootOptions(program.command('get'))
    get.action(() => {
      found = rootSource(get)
    })
    const join = withLongRootOptions(program.command('join').option('--kubeconfig <f>').option('--context <c>'))
    join.action(() => {
      found = rootSource(join, 'leaf')
    })
    program.parse([...argv], { from: 'user' })
    return found
  }

  it('may stand before or after the command', () => {
    assert.deepEqual(sourceOf(['--kubeconfig', 'a', 'get']), { file: 'a', context: undefined })
    assert.deepEqual(sourceOf(['get', '--kubeconfig', 'a']), { file: 'a', context: undefined })
    assert.deepEqual(sourceOf(['get', '--root-kubeconfig', 'a', '--root-context', 'c']), { file: 'a', context: 'c' })
  })

  it('count more after the command than before it, and more in their long form', () => {
    assert.deepEqual(sourceOf(['--kubeconfig', 'a', 'get', '--kubeconfig', 'b']), { file: 'b', context: undefined })
    assert.deepEqual(sourceOf(['get', '--kubeconfig', 'b', '--root-kubeconfig', 'r']), {
      file: 'r',
      context: undefined,
    })
  })

  it('are not those that name the leaf in join', () => {
    assert.deepEqual(sourceOf(['join', '--kubeconfig', 'leaf', '--context', 'l']), {
      file: undefined,
      context: undefined,
    })
    assert.deepEqual(sourceOf(['--kubeconfig', 'root', 'join', '--kubeconfig', 'leaf']), {
      file: 'root',
      context: undefined,
    })
    assert.deepEqual(sourceOf(['join', '--kubeconfig', 'leaf', '--root-kubeconfig', 'root']), {
      file: 'root',
      context: undefined,
    })
  })
})
