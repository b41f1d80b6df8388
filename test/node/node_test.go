// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package node_test

import (
	"testing"

	"github.com/rancher-sandbox/engine-apiserver/test/node"
	"github.com/rancher-sandbox/engine-apiserver/test/testserver"
)

func TestTheClientForJavaScriptWorksWithAStandaloneServer(t *testing.T) {
	node.Install(t).As(testserver.Start(t, eng.Host()).Kubeconfig).Check(t, eng)
}
