// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package containers

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"unicode"

	"k8s.io/apimachinery/pkg/runtime"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

const (
	shortIDLength = 12
	idAlgorithm   = "sha256:"
)

// noSegmentCharacter stands in a made name for each character that Kubernetes or a terminal cannot take. madeDigits are at its end.
const (
	noSegmentCharacter = '~'
	madeDigits         = 10
)

// ObjectName returns the metadata.name of what has that name in Docker. It is the same name, unless Kubernetes forbids it.
//
// Kubernetes forbids the empty name, ".", ".." and names with '/' or '%'. Control characters would reach terminals. The name that is
// made of such a name has '~' for each of these characters, and ends with '-' and the first ten hexadecimal digits of the SHA-256 of
// the name in Docker. So does the name that is made of one that looks like a made name: no two names become the same.
func ObjectName(name string) string {
	segment := strings.Map(func(c rune) rune {
		if c == '/' || c == '%' || unicode.IsControl(c) {
			return noSegmentCharacter
		}
		return c
	}, strings.ToValidUTF8(name, string(noSegmentCharacter)))
	if segment == name && !isDots(name) && !IsMadeName(name) {
		return name
	}
	sum := sha256.Sum256([]byte(name))
	return segment + "-" + hex.EncodeToString(sum[:])[:madeDigits]
}

// IsMadeName reports whether ObjectName can have made the name of another one.
func IsMadeName(name string) bool {
	dash := len(name) - madeDigits - 1
	if dash < 0 || name[dash] != '-' || strings.Trim(name[dash+1:], "0123456789abcdef") != "" {
		return false
	}
	before := name[:dash]
	return isDots(before) || strings.ContainsRune(before, noSegmentCharacter) || IsMadeName(before)
}

func isDots(name string) bool { return name == "" || name == "." || name == ".." }

// ShortID returns an ID as the docker command shows it.
func ShortID(id string) string {
	id = strings.TrimPrefix(id, idAlgorithm)
	return id[:min(shortIDLength, len(id))]
}

// HasTag reports whether an object is an image that is named by a tag.
func HasTag(obj runtime.Object) bool {
	image, ok := obj.(*v1alpha1.Image)
	return ok && image.Status.RepoTag != ""
}

// IDs returns the IDs that an object answers to beside its name.
func IDs(obj runtime.Object) []string {
	switch obj := obj.(type) {
	case *v1alpha1.Container:
		return idsOf(obj.Status.ID)
	case *v1alpha1.Image:
		if id := obj.Status.ID; id != obj.Name {
			return append(idsOf(strings.TrimPrefix(id, idAlgorithm)), id)
		}
		return idsOf(strings.TrimPrefix(obj.Status.ID, idAlgorithm))
	}
	return nil
}

func idsOf(id string) []string {
	short := ShortID(id)
	if short == "" {
		return nil
	}
	return []string{id, short}
}
