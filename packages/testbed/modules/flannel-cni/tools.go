//go:build tools

// Package tools pins the CNI plug-in of Flannel, which was in github.com/containernetworking/plugins up to this version.
package tools

import (
	_ "github.com/containernetworking/plugins/plugins/meta/flannel"
)
