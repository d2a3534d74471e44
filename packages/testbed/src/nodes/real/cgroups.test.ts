import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { hierarchies } from './cgroups.ts'

describe('where cgroups are mounted', () => {
  it('is one place on a machine with v2', () => {
    const mountinfo = `24 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
30 23 0:26 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:9 - cgroup2 cgroup2 rw,nsdelegate
`
    assert.deepEqual(hierarchies(mountinfo), ['/sys/fs/cgroup'])
  })

  it('is one place a controller on a machine with v1, and the tmpfs around them is none', () => {
    const mountinfo = `30 23 0:26 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755
31 30 0:27 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct
32 30 0:28 / /sys/fs/cgroup/memory rw,relatime master:12 - cgroup cgroup rw,memory
33 30 0:29 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
`
    assert.deepEqual(hierarchies(mountinfo), [
      '/sys/fs/cgroup/cpu,cpuacct',
      '/sys/fs/cgroup/memory',
      '/sys/fs/cgroup/unified',
    ])
  })
})
