//go:build crds

// Keeps the module in go.mod that has the definitions of Istio's resources. It is never compiled.
package main

import _ "istio.io/api/networking/v1"
