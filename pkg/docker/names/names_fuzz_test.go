// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package names

import (
	"strings"
	"testing"

	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/dockertest"
)

// FuzzID promises that an object answers to its full ID and to the first twelve digits, and to no other string.
func FuzzID(f *testing.F) {
	for _, seed := range [][2]string{{dockertest.IDA, dockertest.IDA}, {dockertest.IDA[:12], dockertest.IDA}, {"sha256:" + dockertest.IDA, dockertest.IDA}, {dockertest.IDA[:11], dockertest.IDA}, {dockertest.IDA[1:13], dockertest.IDA}, {"", ""}, {"sha256:", "sha256:"}, {dockertest.IDA[:12], "sha256:" + dockertest.IDA},
		{strings.ToUpper(dockertest.IDA), strings.ToUpper(dockertest.IDA)}, {"sha256:sha256:" + dockertest.IDA, dockertest.IDA}} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, s, id string) {
		bare, bareID := strings.TrimPrefix(s, "sha256:"), strings.TrimPrefix(id, "sha256:")
		want := fullID.MatchString(bareID) && (bare == bareID || len(bare) == 12 && bareID[:12] == bare)
		if IsIDOf(s, id) != want {
			t.Errorf("%q is an ID of %q: %v", s, id, !want)
		}
	})
}
