// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package containers

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/runtime"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

// fieldSet is a set of fields in the form of FieldsV1. Unlike the sets of Kubernetes it keeps the order of list items. A
// nil *fieldSet is a field that is not in the set.
type fieldSet struct {
	// key is the element of the path as FieldsV1 writes it: f: and the name of a field, k: and the keys of a list item, v:
	// and a value of a set, or i: and the index of a list item.
	key      string
	children []*fieldSet
}

// itemKeys are the lists whose items are written with their keys. Docker keeps some of these lists in a map, or together
// with what the image has.
var itemKeys = map[string][]string{
	"env":      {"name"},
	"networks": {"name"},
	"mounts":   {"target"},
	"ulimits":  {"name"},
	"devices":  {"hostPath", "containerPath"},
	"ports":    {"containerPort", "hostIP", "hostPort", "protocol"},
}

// valued are the fields that are written with their values, because Docker does not keep the values or writes them in
// another form. It does not keep imagePullPolicy, platform and pullSecrets, nor an address of a container that is stopped.
// It names other containers by their IDs, sorts capabilities, and counts in bytes. With the image, the label is another one
// than the label that an image has which was committed from a container.
var valued = map[string]func(value string) bool{
	"image": always, "imagePullPolicy": always, "platform": always, "pullSecrets": always,
	"networks.macAddress": always,
	"networkMode":         isOfContainer, "pidMode": isOfContainer, "ipcMode": isOfContainer,
	"securityContext.capabilities.add": always, "securityContext.capabilities.drop": always,
	"shmSize": isUnusualQuantity, "mounts.tmpfs.size": isUnusualQuantity, "resources.memory": isUnusualQuantity,
	"resources.memorySwap": isUnusualQuantity, "resources.memoryReservation": isUnusualQuantity, "resources.cpu": isUnusualCPU,
}

func always(string) bool { return true }

// counted are the lists to which Docker, or what is asked of it, adds items at the end.
var counted = map[string]bool{"securityContext.securityOpts": true, "gpus.capabilities": true}

// fieldsOf returns the fields that a spec gives. The state is not among them, because it is always shown.
func fieldsOf(spec *v1alpha1.ContainerSpec) (*fieldSet, error) {
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(spec)
	if err != nil {
		return nil, err
	}
	delete(content, "state")
	return &fieldSet{children: fieldsBelow("", content)}, nil
}

// fieldsBelow returns the fields of a value at a path.
func fieldsBelow(path string, value any) (found []*fieldSet) {
	switch value := value.(type) {
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(value)) {
			below := strings.TrimPrefix(path+"."+name, ".")
			found = append(found, &fieldSet{"f:" + name, fieldsBelow(below, value[name])})
		}
	case []any:
		for i, item := range value {
			switch keys := itemKeys[path]; {
			case keys != nil:
				found = append(found, itemOf(path, keys, item.(map[string]any)))
			case path == "securityContext.securityOpts" && item == noMaskedPaths:
				found = append(found, &fieldSet{key: "v:" + quote(item)}) // Docker does not keep it as an item
			case counted[path]:
				found = append(found, &fieldSet{key: "i:" + strconv.Itoa(i)})
			default:
				found = append(found, fieldsBelow(path, item)...)
			}
		}
	case string:
		if hasValue := valued[path]; hasValue != nil && hasValue(value) {
			found = append(found, &fieldSet{key: "v:" + quote(value)})
		}
	}
	return found
}

// itemOf returns the item of a list that is written with its keys. Of the other fields, those that are required are left
// out.
func itemOf(path string, keys []string, item map[string]any) *fieldSet {
	key, rest := map[string]any{}, maps.Clone(item)
	for _, name := range keys {
		if value, ok := item[name]; ok {
			key[name] = value
		}
		delete(rest, name)
	}
	switch path {
	case "env":
		delete(rest, "value")
	case "mounts":
		delete(rest, "type")
	case "ulimits":
		delete(rest, "soft")
		delete(rest, "hard")
	}
	return &fieldSet{"k:" + quote(key), fieldsBelow(path, rest)}
}

// quote returns a value as JSON. The values here can always be encoded.
func quote(value any) string {
	text, _ := json.Marshal(value)
	return string(text)
}

// String returns the set as JSON.
func (s *fieldSet) String() string {
	var b strings.Builder
	s.write(&b)
	return b.String()
}

func (s *fieldSet) write(b *strings.Builder) {
	b.WriteByte('{')
	for i, child := range s.children {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(quote(child.key))
		b.WriteByte(':')
		child.write(b)
	}
	b.WriteByte('}')
}

// parseFields reads what String has written.
func parseFields(text string) (*fieldSet, error) {
	if !json.Valid([]byte(text)) { // which also limits the depth, as parse does not
		return nil, fmt.Errorf("reading the label %s: it is no JSON", v1alpha1.FieldsLabel)
	}
	decoder := json.NewDecoder(strings.NewReader(text))
	parsed := &fieldSet{}
	if err := parsed.parse(decoder); err != nil {
		return nil, fmt.Errorf("reading the label %s: %w", v1alpha1.FieldsLabel, err)
	}
	return parsed, nil
}

func (s *fieldSet) parse(decoder *json.Decoder) error {
	if token, err := decoder.Token(); err != nil {
		return err
	} else if token != json.Delim('{') {
		return fmt.Errorf("%v stands in place of an object", token)
	}
	for decoder.More() {
		token, err := decoder.Token()
		if err != nil {
			return err
		}
		child := &fieldSet{key: token.(string)} // the decoder accepts nothing else as a key
		if err := child.parse(decoder); err != nil {
			return err
		}
		s.children = append(s.children, child)
	}
	_, err := decoder.Token()
	return err
}

// at returns the field at a path below this one, or nil if it is not in the set.
func (s *fieldSet) at(path ...string) *fieldSet {
	for _, name := range path {
		if s == nil {
			return nil
		}
		i := slices.IndexFunc(s.children, func(child *fieldSet) bool { return child.key == "f:"+name })
		if i < 0 {
			return nil
		}
		s = s.children[i]
	}
	return s
}

// keys returns the elements below this one, in their order.
func (s *fieldSet) keys() []string { return s.parts("") }

// indexes returns how many items of a list are in the set.
func (s *fieldSet) indexes() int { return len(s.parts("i:")) }

// values returns the values of a set.
func (s *fieldSet) values() (values []string) {
	for _, text := range s.parts("v:") {
		var value string
		if json.Unmarshal([]byte(text), &value) == nil {
			values = append(values, value)
		}
	}
	return values
}

// value returns the first value of a set, or "" if there is none.
func (s *fieldSet) value() string {
	if values := s.values(); len(values) > 0 {
		return values[0]
	}
	return ""
}

// parts returns the elements below this one that have the prefix, without it.
func (s *fieldSet) parts(prefix string) (found []string) {
	if s == nil {
		return nil
	}
	for _, child := range s.children {
		if part, ok := strings.CutPrefix(child.key, prefix); ok {
			found = append(found, part)
		}
	}
	return found
}

// given is an item of a list in a set: its keys, and the set below it.
type given[T any] struct {
	keys   T
	fields *fieldSet
}

// itemsOf returns the items of a list. T is the type of an item.
func itemsOf[T any](s *fieldSet) (items []given[T]) {
	if s == nil {
		return nil
	}
	for _, child := range s.children {
		text, ok := strings.CutPrefix(child.key, "k:")
		item := given[T]{fields: child}
		if ok && json.Unmarshal([]byte(text), &item.keys) == nil {
			items = append(items, item)
		}
	}
	return items
}
