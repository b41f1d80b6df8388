// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package plugin

import (
	"slices"
	"testing"
)

func TestAVariableWithoutAValueIsTheUsers(t *testing.T) {
	lookUp := func(name string) (string, bool) { return "of the user", name == "HERE" }
	got := environment([]string{"A=1", "B=", "HERE", "ABSENT", "C=x=y"}, lookUp)
	if want := []string{"A=1", "B=", "HERE=of the user", "C=x=y"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
