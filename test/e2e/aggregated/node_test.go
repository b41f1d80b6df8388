// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package aggregated_test

import (
	"testing"

	"github.com/rancher-sandbox/engine-apiserver/test/node"
)

func TestTheClientForJavaScriptWorksThroughTheAggregator(t *testing.T) {
	serve(t, "--engine-access=full")
	node.Install(t).As(cluster.Admin()).Check(t, docker)
}
