//go:build tools

// Package tools pins the commands that the test bed builds from github.com/flannel-io/flannel.
package tools

import (
	_ "github.com/flannel-io/flannel"
)
