// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

// Package artifacts holds the manifests of a server behind a cluster. kubectl can apply them as they are.
package artifacts

import "embed"

// Manifests holds two directories. The directory registration has the manifests that register a server in a cluster, wherever the
// server runs. The directory policies has the policies for a server with full access to its engine.
//
//go:embed registration policies
var Manifests embed.FS
