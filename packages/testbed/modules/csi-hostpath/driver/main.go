// Command driver is a CSI driver (spec v1.13) for the test bed: a volume is a file in a folder of the node, attached as a
// loop device, so that it is as large as it says, can grow while it is used, and can be a block device.
package main

import (
	"flag"
	"log"
	"net"
	"os"

	"github.com/container-storage-interface/spec/lib/go/csi"
	"google.golang.org/grpc"
	registration "k8s.io/kubelet/pkg/apis/pluginregistration/v1"
)

func main() {
	name := flag.String("name", "", "name of the driver")
	node := flag.String("node", "", "name of the Node object")
	dir := flag.String("data", "", "folder of the volumes' files")
	capacity := flag.Int64("capacity", 0, "bytes that all volumes of this node may have together")
	socket := flag.String("socket", "", "where the driver listens")
	register := flag.String("registration", "", "where the kubelet looks for plugins to register")
	kubeletSocket := flag.String("kubelet-socket", "", "the driver's socket as the kubelet sees it")
	flag.Parse()

	volumes := &volumes{dir: *dir, capacity: *capacity}
	driver := grpc.NewServer()
	csi.RegisterIdentityServer(driver, &identity{name: *name})
	csi.RegisterControllerServer(driver, &controller{volumes: volumes, topology: topologyOf(*name, *node)})
	csi.RegisterNodeServer(driver, &nodeService{volumes: volumes, node: *node, topology: topologyOf(*name, *node)})
	listener := listen(*socket)

	kubelet := grpc.NewServer()
	registration.RegisterRegistrationServer(kubelet, &registrar{name: *name, socket: *kubeletSocket})
	// Only now, since the kubelet calls the driver as soon as it sees this one.
	go func() { log.Fatal(kubelet.Serve(listen(*register))) }()
	log.Fatal(driver.Serve(listener))
}

func listen(socket string) net.Listener {
	// What an earlier process left behind; the kubelet would call it in vain.
	os.Remove(socket)
	listener, err := net.Listen("unix", socket)
	if err != nil {
		log.Fatal(err)
	}
	return listener
}

func topologyOf(driver, node string) *csi.Topology {
	return &csi.Topology{Segments: map[string]string{"topology." + driver + "/node": node}}
}
