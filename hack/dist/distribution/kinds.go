// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package distribution

import (
	"fmt"
	"slices"
	"strings"
)

// Kind is a kind of thing that a release has.
type Kind string

// The kinds.
const (
	Archive Kind = "archive" // with a bill of materials for each program
	Deb     Kind = "deb"
	RPM     Kind = "rpm"
	Image   Kind = "image"
	Krew    Kind = "krew" // needs the archives
)

var kinds = []Kind{Archive, Deb, RPM, Image, Krew}

// ParseKinds returns the kinds of a list such as deb,image. The empty list stands for all of them.
func ParseKinds(list string) ([]Kind, error) {
	if list == "" {
		return kinds, nil
	}
	var parsed []Kind
	for name := range strings.SplitSeq(list, ",") {
		if !slices.Contains(kinds, Kind(name)) {
			return nil, fmt.Errorf("there is no kind %q: choose from %v", name, kinds)
		}
		parsed = append(parsed, Kind(name))
	}
	if slices.Contains(parsed, Krew) && !slices.Contains(parsed, Archive) {
		return nil, fmt.Errorf("%s needs %s: its manifest has their checksums", Krew, Archive)
	}
	return parsed, nil
}

func (b Builder) makes(kind Kind) bool { return slices.Contains(b.Kinds, kind) }
