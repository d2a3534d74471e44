//go:build tools

// Package tools pins the commands that the test bed builds from github.com/projectcalico/calico.
package tools

import (
	_ "github.com/projectcalico/calico/cni-plugin/cmd/calico"
	_ "github.com/projectcalico/calico/felix/cmd/calico-felix"
)
