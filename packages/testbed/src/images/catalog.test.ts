import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { describeImage, type ImageName, imageNames } from './catalog.ts'

const sources = {
  pause: '/cache/pause',
  busybox: '/bin/busybox',
  applets: ['busybox', 'sh', 'httpd'],
  agnhost: '/cache/agnhost',
  'localhost.crt': '/cache/localhost.crt',
  'localhost.key': '/cache/localhost.key',
  coredns: '/cache/coredns',
  'csi-hostpath': '/cache/csi-hostpath',
  'csi-provisioner': '/cache/csi-provisioner',
  'csi-resizer': '/cache/csi-resizer',
  nonewprivs: '/cache/nonewprivs',
}

describe('the images of the test bed', () => {
  for (const name of Object.keys(imageNames) as ImageName[]) {
    it(`${name}: is known by its name, and its command is a file or link of the image`, () => {
      const { names, config, layers } = describeImage(name, sources)
      assert.equal(names[0], imageNames[name])
      const command = (config.Entrypoint ?? config.Cmd)?.[0] ?? ''
      const paths = layers.flat().map((entry) => entry.path)
      assert.ok(paths.includes(command) || paths.includes(`/bin/${command}`), `${command} is not in the image`)
      assert.equal(new Set(paths).size, paths.length, 'no path twice')
    })
  }

  it('have a link for every applet of busybox but itself', () => {
    const entries = describeImage('busybox', sources).layers.flat()
    assert.deepEqual(
      entries.filter((e) => 'linkTo' in e && e.linkTo === 'busybox').map((e) => e.path),
      ['/bin/sh', '/bin/httpd'],
    )
    assert.ok(entries.some((e) => e.path === '/bin/busybox' && 'source' in e))
  })

  it('say which binary is missing', () => {
    const { agnhost: _, ...without } = sources
    assert.throws(() => describeImage('agnhost', without), /the image agnhost needs the binary agnhost/)
  })
})
