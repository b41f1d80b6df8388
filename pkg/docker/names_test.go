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

func TestAnyNameCanBeAskedForThatIsOneSegmentOfAPath(t *testing.T) {
	for _, name := range []string{"web", "My_Web.1-x", "x", "_db", "x..", "...", "json", "prune", "two words", "a@b", "a?b", "a#b", "a%2e", "ä1", "lost+found", `a\..\b`, idA, strings.Repeat("n", 5000)} {
		if !isPathSegment(name) || !isPath(name) {
			t.Errorf("%.80q is refused", name)
		}
	}
	for _, name := range []string{"a/b", "team/share/x"} {
		if !isPath(name) || isPathSegment(name) {
			t.Errorf("%q is not a path, or it is one segment", name)
		}
	}
	for _, name := range []string{"", ".", "..", "../volumes/x", "a/../b", "a/..", "./a", "a/.", "/a", "a/", "a//b", "/", " a", "a ", "a\u00a0", "a\nb", "a\x00", "a\x7f", "a\xff"} {
		if isPath(name) || isPathSegment(name) {
			t.Errorf("%q is accepted", name)
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
			t.Errorf("%q counts as the ID", s)
		}
	}
}
