//go:build tools

// Package tools pins the commands that the test bed builds from github.com/cilium/cilium.
package tools

import (
	_ "github.com/cilium/cilium/daemon"
	_ "github.com/cilium/cilium/operator"
	_ "github.com/cilium/cilium/plugins/cilium-cni"
)
