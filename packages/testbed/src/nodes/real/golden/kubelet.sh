set -eu
mount --make-rprivate /proc
mount --bind /srv/beds/demo/nodes/leaf1-node-1/etc/tunables/vm.overcommit_memory /proc/sys/vm/overcommit_memory
mount --bind /srv/beds/demo/nodes/leaf1-node-1/etc/tunables/vm.panic_on_oom /proc/sys/vm/panic_on_oom
mount --bind /srv/beds/demo/nodes/leaf1-node-1/etc/tunables/kernel.panic /proc/sys/kernel/panic
mount --bind /srv/beds/demo/nodes/leaf1-node-1/etc/tunables/kernel.panic_on_oops /proc/sys/kernel/panic_on_oops
mount --bind /srv/beds/demo/nodes/leaf1-node-1/etc/tunables/kernel.keys.root_maxkeys /proc/sys/kernel/keys/root_maxkeys
mount --bind /srv/beds/demo/nodes/leaf1-node-1/etc/tunables/kernel.keys.root_maxbytes /proc/sys/kernel/keys/root_maxbytes
exec /usr/bin/kubelet --config=/srv/beds/demo/nodes/leaf1-node-1/etc/kubelet.yaml --kubeconfig=/srv/beds/demo/nodes/leaf1-node-1/etc/kubelet.kubeconfig --hostname-override=leaf1-node-1 --node-ip=172.28.7.10
