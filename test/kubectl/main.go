// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

// Command kubectl is the kubectl that the end-to-end tests use.
package main

import (
	"k8s.io/component-base/cli"
	"k8s.io/kubectl/pkg/cmd"
	"k8s.io/kubectl/pkg/cmd/util"
)

func main() {
	if err := cli.RunNoErrOutput(cmd.NewDefaultKubectlCommand()); err != nil {
		util.CheckErr(err)
	}
}
