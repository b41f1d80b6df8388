// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

// Command engine-apiserver serves a Docker Engine's containers, images and volumes as Kubernetes resources.
package main

import (
	"fmt"
	"os"
	"runtime/debug"

	genericapiserver "k8s.io/apiserver/pkg/server"

	"github.com/rancher-sandbox/engine-apiserver/pkg/cmd/server"
)

// gcPercent trades a little computing for memory: what the server holds is small, and it idles most of the time.
const gcPercent = 50

func main() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	// A second signal ends the process at once.
	if err := server.NewCommand().ExecuteContext(genericapiserver.SetupSignalContext()); err != nil {
		fmt.Fprintf(os.Stderr, "engine-apiserver: error: %v\n", err)
		os.Exit(1)
	}
}
