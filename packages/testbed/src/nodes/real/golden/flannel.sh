hostname leaf1-node-1
ip link add eth0 type veth peer name port10 netns 4711
nsenter --target=4711 --net -- ip link set port10 master bridge up
ip -batch - <<'EOF'
link set lo up
address add 172.28.7.10/24 dev eth0
link set eth0 up
route add default via 172.28.7.1
EOF
echo 1 > /proc/sys/net/ipv4/ip_forward
echo 1 > /proc/sys/net/bridge/bridge-nf-call-iptables
echo 1 > /proc/sys/net/bridge/bridge-nf-call-ip6tables
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
