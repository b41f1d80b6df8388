// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package names

import (
	"strings"
	"testing"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/dockertest"
)

func TestAnyNameCanBeAskedForThatIsOneSegmentOfAPath(t *testing.T) {
	for _, name := range []string{"web", "My_Web.1-x", "x", "_db", "x..", "...", "json", "prune", "two words", "a@b", "a?b", "a#b", "a%2e", "ä1", "lost+found", `a\..\b`, dockertest.IDA, strings.Repeat("n", 5000)} {
		if !IsPathSegment(name) || !IsPath(name) {
			t.Errorf("%.80q is refused", name)
		}
	}
	for _, name := range []string{"a/b", "team/share/x"} {
		if !IsPath(name) || IsPathSegment(name) {
			t.Errorf("%q is not a path, or it is one segment", name)
		}
	}
	for _, name := range []string{"", ".", "..", "../volumes/x", "a/../b", "a/..", "./a", "a/.", "/a", "a/", "a//b", "/", " a", "a ", "a\u00a0", "a\nb", "a\x00", "a\x7f", "a\xff"} {
		if IsPath(name) || IsPathSegment(name) {
			t.Errorf("%q is accepted", name)
		}
	}
}

func TestANetworkHasTheIDOfAnEngineOrOfASwarm(t *testing.T) {
	for id, want := range map[string]bool{
		dockertest.IDA: true, "t5ch4nazcpwvtm2rqm0edgbyd": true,
		"": false, "bridge": false, dockertest.IDA[:12]: false, dockertest.IDA + "0": false, "t5ch4nazcpwvtm2rqm0edgby/": false, "T5CH4NAZCPWVTM2RQM0EDGBYD": false,
		"t5ch4nazcpwvtm2rqm0edgbyd\n": false,
	} {
		if got := IsNetworkID(id); got != want {
			t.Errorf("%q is the ID of a network: %t", id, got)
		}
	}
}

func TestDockersWaysOfWritingATagAreNamesOfItsImage(t *testing.T) {
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
		dockertest.IDA[:12]:               dockertest.IDA[:12] + ":latest",
	} {
		if got, err := TagOfName(name); got != tag || err != nil {
			t.Errorf("%q stands for %q, %v", name, got, err)
		}
	}
	for _, name := range []string{"", "a/b:c", "..~x:y", "A:b", "busybox@sha256:" + dockertest.IDA, "busybox:latest@sha256:" + dockertest.IDA, "sha256:abc", "sha256:" + dockertest.IDA, dockertest.IDA,
		"sha256:" + strings.ToUpper(dockertest.IDA), "x:y?z", strings.Repeat("a", 5000) + ":b"} {
		if tag, err := TagOfName(name); err == nil {
			t.Errorf("%.80q stands for %q", name, tag)
		}
	}
}

func TestNamesOfTagsCanBeTakenBack(t *testing.T) {
	for _, tag := range []string{"busybox:latest", "localhost:5000/a/b:v1", "[::1]:5000/x:y"} {
		if got, err := TagOfName(containers.NameOfTag(tag)); got != tag {
			t.Errorf("%q came back as %q, %v", tag, got, err)
		}
	}
}

func TestOnlyWholeAndShortIDsNameAnObject(t *testing.T) {
	for _, s := range []string{dockertest.IDA, "sha256:" + dockertest.IDA, dockertest.IDA[:12]} {
		if !IsIDOf(s, "sha256:"+dockertest.IDA) || IsIDOf(s, dockertest.IDB) {
			t.Errorf("%q", s)
		}
	}
	for _, s := range []string{"", dockertest.IDA[:1], dockertest.IDA[:11], dockertest.IDA[:13], dockertest.IDA[1:13]} {
		if IsIDOf(s, dockertest.IDA) {
			t.Errorf("%q counts as the ID", s)
		}
	}
}
