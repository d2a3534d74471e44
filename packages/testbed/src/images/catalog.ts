import type { Image, ImageEntry } from './archive.ts'

/** Names are those of upstream's test/utils/image/manifest.go at the pinned Kubernetes version. */
export const imageNames = {
  pause: 'registry.k8s.io/pause:3.10.2',
  busybox: 'registry.k8s.io/e2e-test-images/busybox:1.37.0-2',
  agnhost: 'registry.k8s.io/e2e-test-images/agnhost:2.66.1',
  /** Not nginx, but a static web server that stands in for it: busybox httpd, on port 80. */
  web: 'registry.k8s.io/e2e-test-images/nginx:1.27.0-2',
  /** A web server with the page that tests of kubectl ask for. */
  nautilus: 'registry.k8s.io/e2e-test-images/nautilus:1.8',
  /** A program that runs as another user than who starts it, where that is allowed. */
  nonewprivs: 'registry.k8s.io/e2e-test-images/nonewprivs:1.4',
  coredns: 'registry.k8s.io/coredns/coredns:v1.14.7',
  /** Ours: the driver and the sidecars that it runs with. */
  'csi-hostpath': 'kosmos.io/testbed/csi-hostpath:v1',
} as const

export type ImageName = keyof typeof imageNames

/** Binaries that images are made of, by name; busybox has to be a static one. */
export interface ImageSources {
  readonly pause: string
  readonly busybox: string
  /** What `busybox --list` says. */
  readonly applets: readonly string[]
  readonly agnhost?: string
  readonly 'localhost.crt'?: string
  readonly 'localhost.key'?: string
  readonly coredns?: string
  readonly 'csi-hostpath'?: string
  readonly 'csi-provisioner'?: string
  readonly 'csi-resizer'?: string
  /** What the driver calls to make and grow file systems. */
  readonly fileSystemTools?: readonly ImageEntry[]
  readonly nonewprivs?: string
  /** More files for agnhost: what tests call in it besides the binary itself. */
  readonly tools?: readonly ImageEntry[]
}

/** Programs of the image csi-hostpath, below its root. */
export const csiHostPathBinaries = ['csi-hostpath', 'csi-provisioner', 'csi-resizer'] as const

/** What images are made of besides busybox and what every node needs. */
export const imageBinaries: Readonly<Partial<Record<ImageName, readonly string[]>>> = {
  agnhost: ['agnhost', 'localhost.crt', 'localhost.key'],
  nautilus: ['agnhost'],
  nonewprivs: ['nonewprivs'],
}

export const searchPath = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** What an image consists of. @throws when it needs a binary that was not given */
export function describeImage(name: ImageName, sources: ImageSources): Image {
  switch (name) {
    case 'pause':
      return {
        names: [imageNames.pause],
        config: { User: '65535:65535', Entrypoint: ['/pause'] },
        layers: [[{ path: '/pause', source: sources.pause, mode: 0o755 }]],
      }
    case 'busybox':
      return {
        names: [imageNames.busybox],
        config: { Env: [searchPath], Cmd: ['sh'] },
        layers: [userland(sources)],
      }
    case 'web':
      return {
        names: [imageNames.web, 'registry.k8s.io/e2e-test-images/nginx:1.28.0-2'],
        config: {
          Env: [searchPath],
          ExposedPorts: { '80/tcp': {} },
          Cmd: ['httpd', '-f', '-p', '80', '-h', '/usr/share/nginx/html'],
        },
        layers: [userland(sources), [{ path: '/usr/share/nginx/html/index.html', content: welcome }]],
      }
    case 'agnhost':
      return {
        names: [imageNames.agnhost, 'registry.k8s.io/e2e-test-images/agnhost:2.55'],
        config: {
          Env: [searchPath],
          ExposedPorts: { '80/tcp': {}, '8080/tcp': {}, '8081/tcp': {}, '9376/tcp': {}, '5000/tcp': {} },
          Entrypoint: ['/agnhost'],
          Cmd: ['pause'],
        },
        layers: [
          userland(sources),
          sources.tools ?? [],
          [
            { path: '/uploads', directory: true },
            { path: '/agnhost', source: needed(name, sources.agnhost), mode: 0o755 },
            // Tests replace the entrypoint with it, to see that it is replaced.
            { path: '/agnhost-2', linkTo: 'agnhost' },
            ...(['localhost.crt', 'localhost.key'] as const).map((file) => ({
              path: `/${file}`,
              source: needed(name, sources[file], file),
              mode: 0o644,
            })),
          ],
        ],
      }
    case 'nautilus':
      return {
        names: [imageNames.nautilus],
        config: { Env: [searchPath], Entrypoint: ['/agnhost'], Cmd: ['test-webserver'] },
        layers: [
          userland(sources),
          [
            { path: '/agnhost', source: needed(name, sources.agnhost, 'agnhost'), mode: 0o755 },
            { path: '/data.json', content: '{"image": "nautilus.jpg"}' },
          ],
        ],
      }
    case 'nonewprivs':
      return {
        names: [imageNames.nonewprivs],
        config: { Env: [searchPath], Cmd: ['/usr/local/bin/nnp'] },
        layers: [
          userland(sources),
          [{ path: '/usr/local/bin/nnp', source: needed(name, sources.nonewprivs), mode: 0o4755 }],
        ],
      }
    case 'coredns':
      return {
        names: [imageNames.coredns],
        config: { ExposedPorts: { '53/udp': {}, '53/tcp': {} }, Entrypoint: ['/coredns'] },
        layers: [[{ path: '/coredns', source: needed(name, sources.coredns), mode: 0o755 }]],
      }
    case 'csi-hostpath':
      return {
        names: [imageNames['csi-hostpath']],
        config: { Env: [searchPath], Entrypoint: ['/csi-hostpath'] },
        layers: [
          sources.fileSystemTools ?? [],
          csiHostPathBinaries.map((binary) => ({
            path: `/${binary}`,
            source: needed(name, sources[binary], binary),
            mode: 0o755,
          })),
        ],
      }
  }
}

const welcome = '<!DOCTYPE html>\n<html><head><title>Welcome to nginx!</title></head><body>It works.</body></html>\n'

/** A small root file system around busybox. */
export function userland({ busybox, applets }: Pick<ImageSources, 'busybox' | 'applets'>): ImageEntry[] {
  return [
    { path: '/bin', directory: true },
    { path: '/bin/busybox', source: busybox, mode: 0o755 },
    ...applets.filter((a) => a !== 'busybox').map((applet) => ({ path: `/bin/${applet}`, linkTo: 'busybox' })),
    ...['/dev', '/etc', '/home', '/proc', '/sys', '/usr', '/usr/bin', '/var', '/var/run', '/var/www'].map((path) => ({
      path,
      directory: true as const,
    })),
    { path: '/root', directory: true, mode: 0o700 },
    { path: '/tmp', directory: true, mode: 0o1777 },
    { path: '/usr/bin/env', linkTo: '../../bin/busybox' },
    { path: '/etc/passwd', content: accounts },
    { path: '/etc/group', content: groups },
  ]
}

/** Besides the usual two, those that upstream's tests of supplemental groups expect in agnhost. */
const accounts =
  'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/home:/bin/false\nuser-defined-in-image:x:1000:1000::/home:/bin/sh\n'

const groups =
  'root:x:0:\nnogroup:x:65534:\nuser-defined-in-image:x:1000:\ngroup-defined-in-image:x:50000:user-defined-in-image\n'

function needed(image: ImageName, source: string | undefined, binary: string = image): string {
  if (source === undefined) throw new Error(`the image ${image} needs the binary ${binary}, which was not given`)
  return source
}
