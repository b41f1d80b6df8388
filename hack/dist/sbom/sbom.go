// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

// Package sbom writes a bill of materials: what a program is made of. Its format is CycloneDX.
package sbom

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"

	cyclonedx "github.com/CycloneDX/cyclonedx-go"
	"github.com/google/uuid"

	"github.com/rancher-sandbox/engine-apiserver/hack/dist/license"
	"github.com/rancher-sandbox/engine-apiserver/hack/dist/program"
	"github.com/rancher-sandbox/engine-apiserver/hack/dist/release"
)

// Product is the path of the product's module.
const Product = "github.com/rancher-sandbox/engine-apiserver"

// Of returns the bill of materials of a program.
func Of(from release.Release, platform program.Platform, name string, binary []byte, components []license.Component) ([]byte, error) {
	digest := sha256.Sum256(binary)
	root := cyclonedx.Component{
		Type: cyclonedx.ComponentTypeApplication, Name: name, Version: from.Version,
		BOMRef: packageURL(Product, from.Version) + "#cmd/" + name, PackageURL: packageURL(Product, from.Version) + "#cmd/" + name,
		Licenses: licenses("Apache-2.0"),
		Hashes:   &[]cyclonedx.Hash{{Algorithm: cyclonedx.HashAlgoSHA256, Value: hex.EncodeToString(digest[:])}},
		Properties: &[]cyclonedx.Property{
			{Name: "commit", Value: from.Commit}, {Name: "platform", Value: platform.String()},
		},
	}
	references := map[string]string{}
	for _, component := range components {
		references[component.Path] = packageURL(component.Path, component.Version)
	}
	listed := []cyclonedx.Component{}
	dependencies := []cyclonedx.Dependency{}
	all := []string{}
	for _, component := range components {
		reference := references[component.Path]
		all = append(all, reference)
		listed = append(listed, cyclonedx.Component{
			Type: cyclonedx.ComponentTypeLibrary, Name: component.Path, Version: component.Version,
			BOMRef: reference, PackageURL: reference, Licenses: licenses(component.Names...),
		})
		needs := []string{}
		for _, path := range component.Needs {
			needs = append(needs, references[path])
		}
		dependencies = append(dependencies, cyclonedx.Dependency{Ref: reference, Dependencies: &needs})
	}
	dependencies = append([]cyclonedx.Dependency{{Ref: root.BOMRef, Dependencies: &all}}, dependencies...)

	bom := cyclonedx.NewBOM()
	bom.SerialNumber = uuid.NewSHA1(uuid.NameSpaceURL, append([]byte(root.BOMRef+" "+platform.String()+" "), digest[:]...)).URN()
	bom.Metadata = &cyclonedx.Metadata{Timestamp: from.Time.Format(time.RFC3339), Component: &root}
	bom.Components = &listed
	bom.Dependencies = &dependencies
	var out bytes.Buffer
	err := cyclonedx.NewBOMEncoder(&out, cyclonedx.BOMFileFormatJSON).SetPretty(true).EncodeVersion(bom, cyclonedx.SpecVersion1_6)
	return out.Bytes(), err
}

// licenses returns licenses by their names in SPDX. All of them hold.
func licenses(names ...string) *cyclonedx.Licenses {
	if len(names) == 1 {
		return &cyclonedx.Licenses{{License: &cyclonedx.License{ID: names[0]}}}
	}
	return &cyclonedx.Licenses{{Expression: strings.Join(names, " AND ")}}
}

// packageURL returns the package URL of a Go module.
func packageURL(path, version string) string {
	return "pkg:golang/" + strings.ToLower(path) + "@" + strings.ReplaceAll(version, "+", "%2B")
}
