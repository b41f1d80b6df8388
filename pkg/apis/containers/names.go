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
	idLength      = 64
	idAlgorithm   = "sha256:"
)

// noSegmentCharacter replaces each character of a made name that Kubernetes or a terminal cannot take. madeDigits is
// the number of digits at the end of a made name.
const (
	noSegmentCharacter = '~'
	madeDigits         = 10
)

// slashInImageNames stands for each slash of a reference in the name of an Image.
const slashInImageNames = "~"

// NameOfTag returns the metadata.name of the Image with a tag.
func NameOfTag(tag string) string { return strings.ReplaceAll(tag, "/", slashInImageNames) }

// ReferenceOfName returns the image reference that the metadata.name of an Image stands for.
func ReferenceOfName(name string) string { return strings.ReplaceAll(name, slashInImageNames, "/") }

// ObjectName returns the metadata.name for a name in Docker. It is the same name, unless Kubernetes forbids that.
//
// Kubernetes forbids the empty name, ".", "..", and names with '/' or '%'. Control characters are replaced as well,
// because terminals would act on them. ObjectName makes another name from such a name: it writes '~' for each of these
// characters, and adds '-' and the first ten hexadecimal digits of the SHA-256 of the name in Docker. A name in Docker
// may look as if it were made. It then gets these digits as well, so that no two names become the same.
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

// IsMadeName reports whether a name looks as if ObjectName had made it from another name.
func IsMadeName(name string) bool {
	from := name
	for hasMadeDigits(from) {
		from = from[:len(from)-madeDigits-1]
	}
	return from != name && (isDots(from) || strings.ContainsRune(from, noSegmentCharacter))
}

// hasMadeDigits reports whether a name ends with a dash and digits as ObjectName adds them.
func hasMadeDigits(name string) bool {
	dash := len(name) - madeDigits - 1
	return dash >= 0 && name[dash] == '-' && strings.Trim(name[dash+1:], "0123456789abcdef") == ""
}

func isDots(name string) bool { return name == "" || name == "." || name == ".." }

// ShortID returns an ID in the short form that the docker command shows.
func ShortID(id string) string {
	id = strings.TrimPrefix(id, idAlgorithm)
	return id[:min(shortIDLength, len(id))]
}

// HasTag reports whether an object is an image with a tag.
func HasTag(obj runtime.Object) bool {
	image, ok := obj.(*v1alpha1.Image)
	return ok && image.Status.RepoTag != ""
}

// IDs returns the IDs that an object answers to besides its name.
func IDs(obj runtime.Object) []string {
	switch obj := obj.(type) {
	case *v1alpha1.Container:
		return idsOf(obj.Status.ID)
	case *v1alpha1.Image:
		if id := obj.Status.ID; id != obj.Name {
			return append(idsOf(strings.TrimPrefix(id, idAlgorithm)), id)
		}
		return idsOf(strings.TrimPrefix(obj.Status.ID, idAlgorithm))
	case *v1alpha1.Network:
		return idsOf(obj.Status.ID)
	case *v1alpha1.ContainerMetrics:
		return idsOf(obj.ID)
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
