//go:build tools

// Package tools pins the commands that the test bed builds from github.com/prometheus/prometheus.
package tools

import (
	_ "github.com/prometheus/prometheus/cmd/prometheus"
)
