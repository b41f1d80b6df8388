// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

// Package artifacts holds the manifests of a server behind a cluster. They can be applied by kubectl as they are.
package artifacts

import "embed"

// Registration is what a cluster must know of a server, wherever that runs. Its files are in the directory
// registration.
//
//go:embed registration
var Registration embed.FS
