// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package distribution

import (
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rancher-sandbox/engine-apiserver/hack/dist/program"
)

func TestUnknownKindsAndPlatformsAreNamed(t *testing.T) {
	if _, err := ParseKinds("deb,msi"); err == nil || !strings.Contains(err.Error(), `no kind "msi": choose from [archive deb rpm image krew]`) {
		t.Error(err)
	}
	if _, err := ParseKinds("krew,deb"); err == nil || !strings.Contains(err.Error(), "krew needs archive") {
		t.Error(err)
	}
	if _, err := program.Parse("linux/amd64,linux/riscv64"); err == nil || !strings.Contains(err.Error(), `no platform "linux/riscv64": choose from [linux/amd64`) {
		t.Error(err)
	}
}

func TestAManifestForKrewNeedsAURLBeforeAnythingIsBuilt(t *testing.T) {
	for _, base := range []string{"", "releases", "https://"} {
		builder := Builder{Kinds: []Kind{Archive, Krew}, Platforms: program.Platforms, BaseURL: base, Log: io.Discard}
		err := builder.Build(t.Context(), filepath.Join(t.TempDir(), "v0.2.0"))
		if err == nil || !strings.Contains(err.Error(), "make dist BASE_URL=") {
			t.Errorf("%q: %v", base, err)
		}
	}
}
