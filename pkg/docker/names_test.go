// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package docker

import (
	"strings"
	"testing"
)

var (
	idA = strings.Repeat("0123456789abcdef", 4)
	idB = strings.Repeat("fedcba9876543210", 4)
)

func TestContainerNamesFollowDockersGrammar(t *testing.T) {
	for _, name := range []string{"web", "My_Web.1-x", "x..", "json", "prune", "0a", idA, strings.Repeat("n", 4096)} {
		if err := ValidContainerName(name); err != nil {
			t.Errorf("%.80q: %v", name, err)
		}
	}
	for _, name := range []string{"", "a", ".", "..", "-a", "_a", "a/b", "../volumes/x", "a b", "a?b", "a#b", "a%2e", "a\x00", "ä1", strings.Repeat("n", 4097)} {
		if ValidContainerName(name) == nil {
			t.Errorf("%.80q is accepted", name)
		}
	}
}

func TestVolumeNamesHaveDockersLimit(t *testing.T) {
	if err := ValidVolumeName(strings.Repeat("v", 255)); err != nil {
		t.Error(err)
	}
	for _, name := range []string{strings.Repeat("v", 256), "..", "../containers/victim", ""} {
		if ValidVolumeName(name) == nil {
			t.Errorf("%.80q is accepted", name)
		}
	}
}

func TestDockersWaysOfWritingATagAreNamesOfItsImage(t *testing.T) {
	images := &Images{}
	for name, tag := range map[string]string{
		"busybox:latest":                  "busybox:latest",
		"busybox":                         "busybox:latest",
		"library~busybox":                 "busybox:latest",
		"docker.io~busybox":               "busybox:latest",
		"docker.io~library~busybox":       "busybox:latest",
		"index.docker.io~library~busybox": "busybox:latest",
		"docker.io~library~busybox:1.36":  "busybox:1.36",
		"docker.io~team~app":              "team/app:latest",
		"localhost:5000~a~b":              "localhost:5000/a/b:latest",
		"localhost:5000~a~b:v1":           "localhost:5000/a/b:v1",
		"quay.io~team~app:V1.2-x":         "quay.io/team/app:V1.2-x",
		idA[:12]:                          idA[:12] + ":latest",
	} {
		if got, err := tagOfName(name); got != tag || err != nil {
			t.Errorf("%q stands for %q, %v", name, got, err)
		}
		if got := images.NameOf(name); got != nameOfTag(tag) {
			t.Errorf("%q is another name of %q", name, got)
		}
	}
	for _, name := range []string{"", "a/b:c", "..~x:y", "A:b", "busybox@sha256:" + idA, "busybox:latest@sha256:" + idA, "sha256:abc", "sha256:" + idA, idA,
		"sha256:" + strings.ToUpper(idA), "x:y?z", strings.Repeat("a", 5000) + ":b"} {
		if tag, err := tagOfName(name); err == nil {
			t.Errorf("%.80q stands for %q", name, tag)
		}
		if got := images.NameOf(name); got != name {
			t.Errorf("%.80q is another name of %q", name, got)
		}
	}
}

func TestNamesOfTagsCanBeTakenBack(t *testing.T) {
	for _, tag := range []string{"busybox:latest", "localhost:5000/a/b:v1", "[::1]:5000/x:y"} {
		if got, err := tagOfName(nameOfTag(tag)); got != tag {
			t.Errorf("%q came back as %q, %v", tag, got, err)
		}
	}
}

func TestOnlyWholeAndShortIDsNameAnObject(t *testing.T) {
	for _, s := range []string{idA, "sha256:" + idA, idA[:12]} {
		if !isIDOf(s, "sha256:"+idA) || isIDOf(s, idB) {
			t.Errorf("%q", s)
		}
	}
	for _, s := range []string{"", idA[:1], idA[:11], idA[:13], idA[1:13]} {
		if isIDOf(s, idA) {
			t.Errorf("%q is taken for the ID", s)
		}
	}
}
