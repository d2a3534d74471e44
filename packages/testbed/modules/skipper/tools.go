//go:build tools

// Package tools pins the commands that the test bed builds from github.com/zalando/skipper.
package tools

import (
	_ "github.com/zalando/skipper/cmd/skipper"
)
