// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

// Command engine-apiserver serves a Docker Engine's containers, images, volumes and networks as Kubernetes resources.
package main

import (
	"fmt"
	"os"

	genericapiserver "k8s.io/apiserver/pkg/server"

	"github.com/rancher-sandbox/engine-apiserver/pkg/cmd/server"
)

func main() {
	// A second signal ends the process at once.
	if err := server.NewCommand().ExecuteContext(genericapiserver.SetupSignalContext()); err != nil {
		fmt.Fprintf(os.Stderr, "engine-apiserver: error: %v\n", err)
		os.Exit(1)
	}
}
