// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package source

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// shown returns what an observation of a subject shows that kubectl applied.
func shown(a *Applied, subject, name string, uid types.UID) string {
	object := &metav1.ObjectMeta{UID: uid}
	a.Show(subject, name, object)
	return AppliedTo(object)
}

func TestWhatWasAppliedIsShownUntilItIsForgotten(t *testing.T) {
	var a Applied
	a.Set("1", "x")
	if got := shown(&a, "1", "a", "u") + shown(&a, "2", "b", "v"); got != "x" {
		t.Errorf("shown is %q", got)
	}
	a.Set("1", "y")
	if got := shown(&a, "1", "a", "u"); got != "y" {
		t.Errorf("after another apply it is %q", got)
	}
	a.Forget("1")
	if got := shown(&a, "1", "a", "u"); got != "" {
		t.Errorf("after the end of the object it is %q", got)
	}
	a.Set("1", "x")
	a.Set("1", "")
	if got := shown(&a, "1", "a", "u"); got != "" {
		t.Errorf("after an apply without it, it is %q", got)
	}
}

func TestANewObjectCarriesWhatWasAppliedFromTheBeginning(t *testing.T) {
	var a Applied
	done := a.Expect("a", "x")
	if got := shown(&a, "1", "a", "u"); got != "x" {
		t.Errorf("before its creator knows its subject, it is %q", got)
	}
	a.Set("1", "x")
	done()
	if got := shown(&a, "1", "a", "u") + shown(&a, "2", "a", "v"); got != "x" {
		t.Errorf("after the creation it is %q", got)
	}
	a.Expect("b", "")()
	if got := shown(&a, "3", "b", "w"); got != "" {
		t.Errorf("an object that was not applied has %q", got)
	}
}

func TestWhatWasAppliedDoesNotGoToAnotherObject(t *testing.T) {
	var a Applied
	a.Set("1", "x")
	shown(&a, "1", "a", "u")
	if got := shown(&a, "1", "a", "v"); got != "" {
		t.Errorf("the object that came after it has %q", got)
	}
	if got := shown(&a, "1", "a", "u"); got != "" {
		t.Errorf("and later %q", got)
	}
}
