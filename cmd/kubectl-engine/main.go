// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

// Command kubectl-engine is the kubectl plugin for the containers of a Docker Engine.
package main

import (
	"os"

	"github.com/go-logr/logr"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/klog/v2"

	"github.com/rancher-sandbox/engine-apiserver/pkg/cmd/plugin"
)

func main() {
	klog.SetLogger(logr.Discard()) // users need not see what libraries try again
	os.Exit(plugin.Run(os.Args[1:], genericiooptions.IOStreams{In: os.Stdin, Out: os.Stdout, ErrOut: os.Stderr}))
}
