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

// LabelsOf takes over a map of Docker's answer. It returns nil for an empty map. Thousands of objects have the same
// label keys, so it keeps each key in memory once. It does not copy the map, and it makes all values parts of one
// string: many small pieces would lie scattered among freed memory.
func LabelsOf(labels map[string]string) map[string]string {
	if len(labels) == 0 {
		return nil
	}
	type label struct {
		key    string
		length int
	}
	all, length := make([]label, 0, len(labels)), 0
	for key, value := range labels {
		all = append(all, label{key, len(value)})
		length += len(value)
	}
	var values strings.Builder
	values.Grow(length)
	for _, l := range all {
		values.WriteString(labels[l.key])
	}
	clear(labels)
	rest := values.String()
	for _, l := range all {
		labels[unique.Make(l.key).Value()], rest = rest[:l.length], rest[l.length:]
	}
	return labels
}

// KeyOf returns the key of an object in its store.
func KeyOf(object metav1.Object) string { return object.GetNamespace() + "/" + object.GetName() }
