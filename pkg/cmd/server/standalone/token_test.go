// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package standalone

import (
	"os"
	"testing"

	"github.com/rancher-sandbox/engine-apiserver/pkg/cmd/server/state"
)

func openState(t *testing.T) *state.State {
	t.Helper()
	dir, err := state.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := dir.Close(); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func TestTheTokenStays(t *testing.T) {
	dir := openState(t)
	first, err := Token(dir)
	if err != nil || len(first) < 32 {
		t.Fatalf("the token is %q: %v", first, err)
	}
	if again, err := Token(dir); err != nil || again != first {
		t.Errorf("the token is %q: %v", again, err)
	}
	if err := os.Truncate(dir.Path("token"), 3); err != nil {
		t.Fatal(err)
	}
	if again, err := Token(dir); err != nil || len(again) < 32 || again == first {
		t.Errorf("a broken token became %q: %v", again, err)
	}
}
