// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

// Package artifacts holds the manifests of a server behind a cluster. kubectl can apply them as they are.
package artifacts

import "embed"

// Registration holds the manifests that register a server in a cluster, wherever the server runs. Its files are in the directory
// registration.
//
//go:embed registration
var Registration embed.FS
