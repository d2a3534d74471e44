// Command e2e runs the end-to-end tests that virtual-kubelet publishes for its providers, against a node of any kind.
package main

import (
	"flag"
	"regexp"
	"testing"

	"github.com/virtual-kubelet/virtual-kubelet/test/e2e"
)

func main() {
	testing.Init()
	var config e2e.EndToEndTestSuiteConfig
	flag.StringVar(&config.Kubeconfig, "kubeconfig", "", "path of the kubeconfig of the cluster")
	flag.StringVar(&config.Namespace, "namespace", "default", "namespace of the pods that are made")
	flag.StringVar(&config.NodeName, "node-name", "", "name of the node that is tested")
	flag.Parse()
	run := func(t *testing.T) { e2e.NewEndToEndTestSuite(config).Run(t) }
	testing.Main(regexp.MatchString, []testing.InternalTest{{Name: "VirtualKubelet", F: run}}, nil, nil)
}
