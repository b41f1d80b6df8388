// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package networks

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers"
)

// idOf returns a network ID that begins with the digit.
func idOf(digit string) string { return strings.Repeat(digit, 64) }

var epoch = time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)

func objectNames(n *namesakes) map[string]string {
	names := map[string]string{}
	for _, id := range n.all() {
		names[id[:1]], _ = n.objectName(id)
	}
	return names
}

func checkNames(t *testing.T, n *namesakes, want map[string]string) {
	t.Helper()
	if got := objectNames(n); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("the objects are named %q, want %q", got, want)
	}
}

const (
	secondX = "x~bbbbbbbbbbbb-db0b8d7aba"
	thirdX  = "x~cccccccccccc-292cab1215"
)

func TestTheOldestOfTheNetworksWithOneNameKeepsIt(t *testing.T) {
	for _, order := range [][]string{{"a", "b", "c"}, {"c", "b", "a"}, {"b", "a", "c"}} {
		var n namesakes
		for _, digit := range order {
			n.learn(idOf(digit), "x", epoch.Add(time.Duration(digit[0])), n.now())
		}
		n.learn(idOf("d"), "y", epoch, n.now())
		checkNames(t, &n, map[string]string{"a": "x", "b": secondX, "c": thirdX, "d": "y"})
	}
}

func TestTheNextOldestNetworkGetsTheNameWhenTheOldestGoes(t *testing.T) {
	var n namesakes
	for _, digit := range []string{"a", "b", "c"} {
		n.learn(idOf(digit), "x", epoch.Add(time.Duration(digit[0])), n.now())
	}
	if renamed := n.remove(idOf("a")); !slices.Equal(renamed, []string{idOf("b")}) {
		t.Errorf("renamed are %q", renamed)
	}
	checkNames(t, &n, map[string]string{"b": "x", "c": thirdX})
	if renamed := n.remove(idOf("c")); len(renamed) > 0 {
		t.Errorf("renamed are %q", renamed)
	}
	if renamed := n.remove(idOf("b")); len(renamed) > 0 {
		t.Errorf("renamed are %q", renamed)
	}
	checkNames(t, &n, map[string]string{})
}

func TestANetworkThatTurnsOutToBeTheOldestTakesTheName(t *testing.T) {
	var n namesakes
	n.learn(idOf("b"), "x", epoch.Add(1), n.now())
	checkNames(t, &n, map[string]string{"b": "x"})
	if renamed := n.learn(idOf("a"), "x", epoch, n.now()); !slices.Equal(renamed, []string{idOf("b")}) {
		t.Errorf("renamed are %q", renamed)
	}
	checkNames(t, &n, map[string]string{"a": "x", "b": secondX})
}

func TestLearningTheSameAgainRenamesNothing(t *testing.T) {
	var n namesakes
	elsewhere := time.FixedZone("elsewhere", 3600)
	for range 2 {
		for _, digit := range []string{"a", "b"} {
			n.learn(idOf(digit), "x", epoch.Add(time.Duration(digit[0])), n.now())
		}
	}
	for _, digit := range []string{"a", "b"} {
		if renamed := n.learn(idOf(digit), "x", epoch.Add(time.Duration(digit[0])).In(elsewhere), n.now()); len(renamed) > 0 {
			t.Errorf("%s: renamed are %q", digit, renamed)
		}
	}
}

func TestAnAnswerFromBeforeTheRemovalDoesNotBringANetworkBack(t *testing.T) {
	var n namesakes
	n.learn(idOf("a"), "x", epoch, n.now())
	before := n.now()
	n.remove(idOf("a"))
	n.learn(idOf("a"), "x", epoch, before)
	n.learn(idOf("b"), "x", epoch.Add(1), n.now())
	checkNames(t, &n, map[string]string{"b": "x"})
	if _, ok := n.objectName(idOf("a")); ok {
		t.Error("the removed network has a name")
	}
	// An engine that reports a removal and still has the network is believed when it says so later.
	n.learn(idOf("a"), "x", epoch, n.now())
	checkNames(t, &n, map[string]string{"a": "x", "b": secondX})
}

func TestANetworkThatOnlyAnEventHasNamedIsNobodysNamesake(t *testing.T) {
	var n namesakes
	n.heard(idOf("a"))
	n.heard(idOf("b"))
	if ids := n.all(); len(ids) != 2 {
		t.Errorf("known are %q", ids)
	}
	if renamed := n.learn(idOf("b"), "x", epoch, n.now()); len(renamed) > 0 {
		t.Errorf("renamed are %q", renamed)
	}
	n.heard(idOf("b"))
	if name, _ := n.objectName(idOf("b")); name != "x" {
		t.Errorf("the network is named %q", name)
	}
	if renamed := n.remove(idOf("a")); len(renamed) > 0 {
		t.Errorf("renamed are %q", renamed)
	}
}

func TestNoNameInDockerBecomesTheNameOfANamesake(t *testing.T) {
	for _, name := range []string{secondX, "x/bbbbbbbbbbbb", "x~bbbbbbbbbbbb", "x\ufffdbbbbbbbbbbbb"} {
		if got := containers.ObjectName(name); got == secondX {
			t.Errorf("the network %q is named %s too", name, got)
		}
	}
}

// TestTwoNetworksNeverHaveTheSameObjectName takes networks in and out at random. It also promises that each network whose
// object gets another name is reported, because it must be observed again.
func TestTwoNetworksNeverHaveTheSameObjectName(t *testing.T) {
	var n namesakes
	random := rand.New(rand.NewPCG(1, 2))
	digits := "0123456789abcdef"
	for range 2000 {
		id := idOf(string(digits[random.IntN(len(digits))]))
		before := objectNames(&n)
		var renamed []string
		if random.IntN(3) == 0 {
			renamed = n.remove(id)
		} else {
			renamed = n.learn(id, string("xyz"[id[0]%3]), epoch.Add(time.Duration(random.IntN(4))), n.now())
		}
		owners := map[string]string{}
		for digit, name := range objectNames(&n) {
			if other, taken := owners[name]; taken {
				t.Fatalf("%s and %s are both named %s", digit, other, name)
			}
			owners[name] = digit
			if old, was := before[digit]; was && old != name && digit != id[:1] && !slices.Contains(renamed, idOf(digit)) {
				t.Fatalf("%s was named %s and is named %s, but only %q are reported", digit, old, name, renamed)
			}
		}
	}
}
