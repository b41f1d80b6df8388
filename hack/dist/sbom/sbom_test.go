// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package sbom

import (
	"bytes"
	"slices"
	"testing"
	"time"

	cyclonedx "github.com/CycloneDX/cyclonedx-go"

	"github.com/rancher-sandbox/engine-apiserver/hack/dist/license"
	"github.com/rancher-sandbox/engine-apiserver/hack/dist/program"
	"github.com/rancher-sandbox/engine-apiserver/hack/dist/release"
)

var (
	from       = release.Release{Version: "v0.2.0", Commit: "541357d", Time: time.Date(2026, 3, 6, 12, 0, 0, 0, time.UTC)}
	platform   = program.Platform{OS: "linux", Arch: "amd64"}
	components = []license.Component{
		{Path: "example.com/M", Version: "v1.2.3+incompatible", Names: []string{"BSD-3-Clause", "MIT"}, Needs: []string{license.Standard}},
		{Path: license.Standard, Version: "1.26.1", Names: []string{"BSD-3-Clause"}},
	}
)

// decoded returns a bill of materials as a reader of it sees it.
func decoded(t *testing.T, binary string) *cyclonedx.BOM {
	t.Helper()
	written, err := Of(from, platform, "engine-apiserver", []byte(binary), components)
	if err != nil {
		t.Fatal(err)
	}
	bom := new(cyclonedx.BOM)
	if err := cyclonedx.NewBOMDecoder(bytes.NewReader(written), cyclonedx.BOMFileFormatJSON).Decode(bom); err != nil {
		t.Fatal(err)
	}
	return bom
}

func TestABillOfMaterialsNamesTheProgramAndEachComponent(t *testing.T) {
	bom := decoded(t, "binary")
	root := bom.Metadata.Component
	if root.Name != "engine-apiserver" || root.Version != "v0.2.0" || bom.Metadata.Timestamp != "2026-03-06T12:00:00Z" {
		t.Errorf("%+v", root)
	}
	if got := (*root.Hashes)[0].Value; got != "9a3a45d01531a20e89ac6ae10b0b0beb0492acd7216a368aa062d1a5fecaf9cd" {
		t.Errorf("the hash of the program is %s", got)
	}
	var urls []string
	for _, component := range *bom.Components {
		urls = append(urls, component.PackageURL)
	}
	want := []string{"pkg:golang/example.com/m@v1.2.3%2Bincompatible", "pkg:golang/stdlib@1.26.1"}
	if !slices.Equal(urls, want) {
		t.Errorf("%q, want %q", urls, want)
	}
	if both := (*(*bom.Components)[0].Licenses)[0].Expression; both != "BSD-3-Clause AND MIT" {
		t.Error(both)
	}
}

func TestABillOfMaterialsSaysWhatNeedsWhat(t *testing.T) {
	needs := map[string][]string{}
	bom := decoded(t, "binary")
	for _, dependency := range *bom.Dependencies {
		if dependency.Dependencies != nil {
			needs[dependency.Ref] = *dependency.Dependencies
		}
	}
	m, standard := "pkg:golang/example.com/m@v1.2.3%2Bincompatible", "pkg:golang/stdlib@1.26.1"
	if got := needs[bom.Metadata.Component.BOMRef]; !slices.Equal(got, []string{m, standard}) {
		t.Errorf("the program needs %q", got)
	}
	if got := needs[m]; !slices.Equal(got, []string{standard}) {
		t.Errorf("the module needs %q", got)
	}
}

func TestTheSerialNumberIsThatOfTheProgram(t *testing.T) {
	first, same, other := decoded(t, "binary"), decoded(t, "binary"), decoded(t, "another binary")
	if first.SerialNumber != same.SerialNumber || first.SerialNumber == other.SerialNumber || first.SerialNumber == "" {
		t.Errorf("%s, %s, %s", first.SerialNumber, same.SerialNumber, other.SerialNumber)
	}
}
