// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package containers

import (
	"fmt"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/util/validation"
)

// strange has characters that the rules for labels treat differently.
var strange = []string{"", "a", "Z", "0", "-", "_", ".", "/", " ", "\n", "\x00", "ä", "\xff"}

// eachString calls check with every string of up to n of the strange characters, and with long strings.
func eachString(n int, check func(string)) {
	all := []string{""}
	for range n {
		var longer []string
		for _, s := range all {
			for _, c := range strange {
				longer = append(longer, s+c)
			}
		}
		all = longer
	}
	for _, length := range []int{62, 63, 64, 253, 254, 316, 317, 318} {
		a := strings.Repeat("a", length)
		all = append(all, a, a+"-", a[1:]+"/"+a[1:], a+"/"+strings.Repeat("b", 63), a+"/"+strings.Repeat("b", 64))
	}
	for _, s := range all {
		check(s)
	}
}

func TestLabelsAreValidWhereKubernetesFindsThemSo(t *testing.T) {
	eachString(4, func(s string) {
		if want := len(validation.IsValidLabelValue(s)) == 0; isLabelValue(s) != want {
			t.Errorf("the value %q: %t", s, !want)
		}
		for _, time := range []string{"first", "second"} {
			if want := len(validation.IsQualifiedName(s)) == 0; isLabelKey(s) != want {
				t.Errorf("the key %q, the %s time: %t", s, time, !want)
			}
		}
	})
}

func BenchmarkSelectable(b *testing.B) {
	labels := map[string]string{}
	for i := range 30 {
		labels[fmt.Sprintf("org.example.labels/key-%d", i)] = fmt.Sprintf("value-%d", i)
	}
	for b.Loop() {
		Selectable(labels)
	}
}
