// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

// Package artifacts holds the manifests of a server behind a cluster. kubectl can apply them as they are.
package artifacts

import "embed"

// Manifests holds the manifests that register a server in a cluster, wherever the server runs, in the directory registration, and the
// policies for a server with full access to its engine, in the directory policies.
//
//go:embed registration policies
var Manifests embed.FS
