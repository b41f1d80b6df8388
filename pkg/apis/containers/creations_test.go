// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package containers

import (
	"maps"
	"testing"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

func TestLabelsAreKeptWhereverTheyAreGiven(t *testing.T) {
	existing := &v1alpha1.Volume{Spec: v1alpha1.VolumeSpec{Labels: map[string]string{"a b": "c"}}}
	existing.Labels = map[string]string{"app": "shop"}
	for what, test := range map[string]struct {
		metadata, spec map[string]string
		isKept         bool
	}{
		"as they are":             {map[string]string{"app": "shop"}, map[string]string{"a b": "c"}, true},
		"all in the spec":         {nil, map[string]string{"app": "shop", "a b": "c"}, true},
		"in both":                 {map[string]string{"app": "shop"}, map[string]string{"app": "shop", "a b": "c"}, true},
		"another value":           {map[string]string{"app": "other"}, map[string]string{"a b": "c"}, false},
		"another value in one":    {map[string]string{"app": "shop"}, map[string]string{"app": "other", "a b": "c"}, false},
		"one more":                {map[string]string{"app": "shop", "new": ""}, map[string]string{"a b": "c"}, false},
		"none":                    {nil, nil, false},
		"those of the spec alone": {nil, map[string]string{"a b": "c"}, false},
	} {
		updated := &v1alpha1.Volume{Spec: v1alpha1.VolumeSpec{Labels: test.spec}}
		updated.Labels = test.metadata
		KeepLabels(updated, existing, &updated.Spec.Labels, existing.Spec.Labels, nil)
		isKept := maps.Equal(updated.Labels, existing.Labels) && maps.Equal(updated.Spec.Labels, existing.Spec.Labels)
		if errs := ValidateVolumeUpdate(updated, existing); isKept != test.isKept || (len(errs) == 0) != test.isKept {
			t.Errorf("%s: kept %t, errors %v", what, isKept, errs)
		}
	}
}

func TestInheritedLabelsNeedNotBeGiven(t *testing.T) {
	existing := &v1alpha1.Container{}
	existing.Labels = map[string]string{"app": "shop", "of-image": "1"}
	for what, test := range map[string]struct {
		given, inherited map[string]string
		isKept           bool
	}{
		"without it":              {map[string]string{"app": "shop"}, map[string]string{"of-image": "1"}, true},
		"with it":                 {map[string]string{"app": "shop", "of-image": "1"}, map[string]string{"of-image": "1"}, true},
		"another value":           {map[string]string{"app": "shop", "of-image": "2"}, map[string]string{"of-image": "1"}, false},
		"a label that was given":  {map[string]string{"of-image": "1"}, map[string]string{"of-image": "1"}, false},
		"one that was overridden": {map[string]string{"app": "shop"}, map[string]string{"of-image": "0"}, false},
	} {
		updated := &v1alpha1.Container{}
		updated.Labels = test.given
		KeepLabels(updated, existing, &updated.Spec.Labels, existing.Spec.Labels, test.inherited)
		if maps.Equal(updated.Labels, existing.Labels) != test.isKept {
			t.Errorf("%s: %v", what, updated.Labels)
		}
	}
}

func TestSplitLabelsAreAllLabels(t *testing.T) {
	all := map[string]string{"app": "shop", "example.com/a": "", "a b": "c", "c": "d e"}
	selectable, others := SplitLabels(all)
	if !maps.Equal(selectable, map[string]string{"app": "shop", "example.com/a": ""}) || !maps.Equal(others, map[string]string{"a b": "c", "c": "d e"}) {
		t.Errorf("%v, %v", selectable, others)
	}
	if got := AllLabels(selectable, others); !maps.Equal(got, all) {
		t.Errorf("together they are %v", got)
	}
}

func TestRangesOfDockersOwnChoiceAreNoChange(t *testing.T) {
	four, other, six := v1alpha1.NetworkIPAMConfig{Subnet: "10.1.0.0/16", Gateway: "10.1.0.1"}, v1alpha1.NetworkIPAMConfig{Subnet: "10.2.0.0/16"}, v1alpha1.NetworkIPAMConfig{Subnet: "fd00::/64"}
	type ranges = []v1alpha1.NetworkIPAMConfig
	for what, test := range map[string]struct {
		given, existing ranges
		want            bool
	}{
		"none given":               {nil, ranges{four, six}, true},
		"the same":                 {ranges{four, six}, ranges{four, six}, true},
		"in another order":         {ranges{six, four}, ranges{four, six}, true},
		"IPv6 alone":               {ranges{six}, ranges{four, six}, true},
		"IPv4 alone":               {ranges{four}, ranges{four, six}, true},
		"one of two":               {ranges{four}, ranges{four, other}, false},
		"another gateway":          {ranges{{Subnet: four.Subnet, Gateway: "10.1.0.2"}}, ranges{four}, false},
		"another subnet":           {ranges{other}, ranges{four}, false},
		"one more":                 {ranges{four, six}, ranges{four}, false},
		"one that was never there": {ranges{four}, nil, false},
	} {
		if got := IsPartOfRanges(test.given, test.existing); got != test.want {
			t.Errorf("%s: %t", what, got)
		}
	}
}
