//go:build tools

// Package tools pins the commands that the test bed builds from github.com/cloudnative-pg/cloudnative-pg.
package tools

import (
	_ "github.com/cloudnative-pg/cloudnative-pg/cmd/manager"
)
