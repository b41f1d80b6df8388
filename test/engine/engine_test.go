// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package engine_test

import (
	"os"
	"testing"

	"github.com/rancher-sandbox/engine-apiserver/test/engine"
)

var eng *engine.Engine

func TestMain(m *testing.M) {
	os.Exit(engine.Main(m, &eng))
}

func TestContainerRuns(t *testing.T) {
	id := eng.Run(t, engine.UniqueName("runs"))
	got, err := eng.Client().ContainerInspect(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if !got.State.Running {
		t.Errorf("state %+v", got.State)
	}
}
