//go:build tools

// Package tools pins the commands that the test bed builds from sigs.k8s.io/metrics-server.
package tools

import (
	_ "sigs.k8s.io/metrics-server/cmd/metrics-server"
)
