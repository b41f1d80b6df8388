// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

// Package docker is a Docker Engine as a live source of containers, images, volumes and itself: its connection, its event
// stream, the read fence, the conversion to the API kinds, and the operations. It is the one package that imports the
// Docker client.
package docker
