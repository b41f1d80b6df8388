// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package containers

import (
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/utils/lru"
)

// SplitLabels returns those of the labels in Docker that are valid Kubernetes labels, and the others. If all of them are valid, it
// returns the same map. That is safe because the labels of an object never change in place.
func SplitLabels(all map[string]string) (selectable, others map[string]string) {
	if len(all) == 0 {
		return nil, nil
	}
	selectable = Selectable(all)
	return selectable, unselectable(all, selectable)
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

// unselectable returns the labels that are not among those that Selectable returned. It returns nil if all of them are.
func unselectable(labels, selectable map[string]string) map[string]string {
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
