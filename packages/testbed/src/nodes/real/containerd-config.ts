import path from 'node:path'

export interface ContainerdConfig {
  /** The image of the container that holds a pod's namespaces. */
  readonly pauseImage: string
  /** The node's folder on the host. */
  readonly dir: string
  readonly cniBinDirs: readonly string[]
}

/** containerd 2.x configuration (version 3), TOML. Everything else stands at its usual place in the node's namespaces. */
export function containerdConfig({ pauseImage, dir, cniBinDirs }: ContainerdConfig): string {
  return `version = 3
imports = []
disabled_plugins = [
  'io.containerd.monitor.container.v1.restart',
  'io.containerd.nri.v1.nri',
  'io.containerd.snapshotter.v1.blockfile',
  'io.containerd.snapshotter.v1.devmapper',
  'io.containerd.snapshotter.v1.erofs',
  'io.containerd.snapshotter.v1.zfs',
]

[plugins.'io.containerd.cri.v1.images']
  snapshotter = 'overlayfs'

[plugins.'io.containerd.cri.v1.images'.pinned_images]
  sandbox = ${toml(pauseImage)}

[plugins.'io.containerd.cri.v1.images'.registry]
  config_path = ''

[plugins.'io.containerd.cri.v1.runtime']
  # A profile that containerd loads would stay in the host's kernel.
  disable_apparmor = true
  # Inside a container of its own the test bed may lack CAP_SYS_RESOURCE.
  restrict_oom_score_adj = true

[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
  runtime_type = 'io.containerd.runc.v2'

[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
  SystemdCgroup = false

[plugins.'io.containerd.cri.v1.runtime'.cni]
  bin_dirs = [${cniBinDirs.map(toml).join(', ')}]
  conf_dir = ${toml(path.join(dir, 'cni'))}

[plugins.'io.containerd.internal.v1.opt']
  path = '/var/lib/containerd/opt'

[plugins.'io.containerd.metadata.v1.bolt']
  # A node that a power cut takes away is made anew.
  no_sync = true
`
}

/** A TOML basic string; JSON's escapes are a subset of TOML's. */
function toml(text: string): string {
  return JSON.stringify(text)
}
