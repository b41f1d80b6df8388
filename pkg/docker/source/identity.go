// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package source

import (
	"strings"
	"time"
	"unique"

	"github.com/google/uuid"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/utils/lru"
)

// uidSpace is the UUIDv5 namespace of all our objects. Changing it changes every uid.
var uidSpace = uuid.MustParse("f0e5bb4c-3a35-4fd0-9be1-6d3f63d7ab0a")

// UIDOf returns the uid of an object. Its kind and every part of its identity determine the uid.
func UIDOf(kind string, identity ...string) types.UID {
	data := kind + "\x00" + strings.Join(identity, "\x00")
	return types.UID(uuid.NewSHA1(uidSpace, []byte(data)).String())
}

// TimeOf parses a time of Docker's. It returns nil if Docker has none. It cuts off fractions of a second, because the
// API carries none.
func TimeOf(s string) *metav1.Time {
	t, err := time.Parse(time.RFC3339Nano, s)
	t = t.UTC().Truncate(time.Second)
	if err != nil || t.Year() <= 1 || t.Year() > 9999 { // Docker has no time, or JSON cannot carry the year
		return nil
	}
	return &metav1.Time{Time: t}
}

// Selectable returns the labels that are valid Kubernetes labels. If all of them are valid, it returns the same map.
// That is safe because the labels of an object never change in place.
func Selectable(labels map[string]string) map[string]string {
	invalid := 0
	for key, value := range labels {
		if !isLabel(key, value) {
			invalid++
		}
	}
	switch invalid {
	case 0:
		return labels
	case len(labels):
		return nil
	}
	valid := make(map[string]string, len(labels)-invalid)
	for key, value := range labels {
		if isLabel(key, value) {
			valid[key] = value
		}
	}
	return valid
}

// Unselectable returns the labels that are not among those that Selectable returned. It returns nil if all of them are.
func Unselectable(labels, selectable map[string]string) map[string]string {
	if len(labels) == len(selectable) {
		return nil
	}
	rest := make(map[string]string, len(labels)-len(selectable))
	for key, value := range labels {
		if _, ok := selectable[key]; !ok {
			rest[key] = value
		}
	}
	return rest
}

func isLabel(key, value string) bool { return isLabelKey(key) && isLabelValue(value) }

// longestLabelKey is the length of a DNS subdomain, a slash and a name.
const longestLabelKey = validation.DNS1123SubdomainMaxLength + 1 + validation.LabelValueMaxLength

// labelKeys remembers which keys are valid. Thousands of objects have the same keys, and checking a key takes longer
// than everything else that an object needs.
var labelKeys = lru.New(4096)

func isLabelKey(key string) bool {
	if len(key) > longestLabelKey {
		return false
	}
	if valid, known := labelKeys.Get(key); known {
		return valid.(bool)
	}
	valid := len(validation.IsQualifiedName(key)) == 0
	labelKeys.Add(strings.Clone(key), valid)
	return valid
}

// isLabelValue asks the library only if the value begins or ends with a punctuation mark, because the library is slow.
func isLabelValue(value string) bool {
	if len(value) > validation.LabelValueMaxLength {
		return false
	}
	for i := range len(value) {
		switch c := value[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case c != '-' && c != '_' && c != '.':
			return false
		case i == 0, i == len(value)-1:
			return len(validation.IsValidLabelValue(value)) == 0
		}
	}
	return true
}

// LabelsOf takes over a map of Docker's answer. It returns nil for an empty map. Thousands of objects have the same
// label keys, so it keeps each key in memory once. It does not copy the map: copies would lie scattered among freed
// memory.
func LabelsOf(labels map[string]string) map[string]string {
	if len(labels) == 0 {
		return nil
	}
	type label struct{ key, value string }
	all := make([]label, 0, len(labels))
	for key, value := range labels {
		all = append(all, label{unique.Make(key).Value(), value})
	}
	clear(labels)
	for _, l := range all {
		labels[l.key] = l.value
	}
	return labels
}

// KeyOf returns the key of an object in its store.
func KeyOf(object metav1.Object) string { return object.GetNamespace() + "/" + object.GetName() }
