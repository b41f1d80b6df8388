// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

// Package docker is a live source of what a Docker Engine holds. It makes an engine of its parts: the connection, the
// event stream, the read fence, and a source for each kind. It passes the engine's events to the sources. Only pkg/docker
// and the packages below it import the Docker client.
package docker
