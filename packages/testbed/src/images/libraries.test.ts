import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { describe, it } from 'node:test'
import { parseLdd, withLibraries } from './libraries.ts'

describe('a program of this machine in an image', () => {
  it('brings the loader and the libraries that ldd names, and nothing that the kernel provides', () => {
    const text = `\tlinux-vdso.so.1 (0x00007ffd)
\tlibz.so.1 => /lib/x86_64-linux-gnu/libz.so.1 (0x00007fb9)
\tlibisc-9.18~deb12u3-Debian.so => /lib/x86_64-linux-gnu/libisc-9.18~deb12u3-Debian.so (0x00007f59)
\t/lib64/ld-linux-x86-64.so.2 (0x00007fb1)
`
    assert.deepEqual(parseLdd(text), [
      '/lib/x86_64-linux-gnu/libz.so.1',
      '/lib/x86_64-linux-gnu/libisc-9.18~deb12u3-Debian.so',
      '/lib64/ld-linux-x86-64.so.2',
    ])
    assert.deepEqual(parseLdd('\tstatically linked\n'), [])
  })

  it('has every file once, also when two programs share it', async () => {
    const entries = await withLibraries({ '/usr/bin/first': '/bin/sh', '/usr/bin/second': '/bin/sh' })
    const paths = entries.map((e) => e.path)
    assert.equal(new Set(paths).size, paths.length)
    assert.ok(paths.includes('/usr/bin/first') && paths.includes('/usr/bin/second'))
    for (const entry of entries) assert.ok('source' in entry && existsSync(entry.source), entry.path)
  })
})
