hostname leaf1-node-1
ip link add eth0 type veth peer name port10 netns 4711
nsenter --target=4711 --net -- ip link set port10 master bridge up
ip -batch - <<'EOF'
link set lo up
address add 172.28.7.10/24 dev eth0
link set eth0 up
route add default via 172.28.7.1
route add 10.129.136.0/24 via 172.28.7.11
EOF
echo 1 > /proc/sys/net/ipv4/ip_forward
nft -f - <<'EOF'
table ip egress {
  chain postrouting {
    type nat hook postrouting priority srcnat; policy accept;
    ip saddr 10.129.135.0/24 ip daddr != 10.129.0.0/16 oifname "eth0" masquerade
  }
}
EOF
mount --make-rshared /
cd /run
mount -t tmpfs -o mode=0755 node /run
cd /
mkdir -p /srv/beds/demo/nodes/leaf1-node-1/root/var/lib
cd /var/lib
mount --bind /srv/beds/demo/nodes/leaf1-node-1/root/var/lib /var/lib
cd /
mkdir -p /srv/beds/demo/nodes/leaf1-node-1/root/var/log
cd /var/log
mount --bind /srv/beds/demo/nodes/leaf1-node-1/root/var/log /var/log
cd /
