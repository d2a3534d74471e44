//go:build tools

// Package tools pins the command that the test bed builds from helm.sh/helm.
package tools

import _ "helm.sh/helm/v4/cmd/helm"
