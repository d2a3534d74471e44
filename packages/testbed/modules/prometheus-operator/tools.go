//go:build tools

// Package tools pins the commands that the test bed builds from github.com/prometheus-operator/prometheus-operator.
package tools

import (
	_ "github.com/prometheus-operator/prometheus-operator/cmd/operator"
	_ "github.com/prometheus-operator/prometheus-operator/cmd/prometheus-config-reloader"
)
