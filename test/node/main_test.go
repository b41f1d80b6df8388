// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package node_test

import (
	"os"
	"testing"

	"github.com/rancher-sandbox/engine-apiserver/test/engine"
)

var eng *engine.Engine

func TestMain(m *testing.M) { os.Exit(engine.Main(m, &eng)) }
