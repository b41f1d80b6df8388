// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

// Package docker is a live source of a Docker Engine's containers, images and volumes, and of the Engine object. It has
// the connection, the event stream, the read fence, the conversion to API kinds, and the operations. No other package
// imports the Docker client.
package docker
