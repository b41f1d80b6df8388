// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package checkers

import (
	"strings"
	"testing"

	"github.com/rancher-sandbox/engine-apiserver/test/robustness/history"
)

// creations returns creations that keep the promise.
func creations() []*history.Creation {
	return []*history.Creation{{Kind: "container", Name: "made", Created: true}, {Kind: "volume", Name: "unanswered"}}
}

func TestEachFaultOfACreationIsCaught(t *testing.T) {
	if result := Applied(&history.History{Creations: creations()}); len(result.Violations) > 0 || result.Checks == 0 {
		t.Fatalf("%+v", result)
	}
	for says, inject := range map[string]func(*history.Creation){
		"container made: it was refused: spec.env":                    func(c *history.Creation) { c.Refused = "spec.env" },
		"container made: its creation was answered, but it is not th": func(c *history.Creation) { c.Missing = true },
		"container made: spec.env is wrong":                           func(c *history.Creation) { c.Wrong = []string{"spec.env is wrong"} },
	} {
		h := &history.History{Creations: creations()}
		inject(h.Creations[0])
		if found := Applied(h).Violations; len(found) != 1 || !strings.Contains(found[0], says) {
			t.Errorf("%q, want %q", found, says)
		}
	}
}
