// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package containers

import (
	"strings"
	"testing"

	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
	"sigs.k8s.io/yaml"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/dockertest"
)

func fieldsOfYAML(t *testing.T, text string) *fieldSet {
	t.Helper()
	var spec v1alpha1.ContainerSpec
	dockertest.Must(t, yaml.UnmarshalStrict([]byte(text), &spec))
	fields, err := fieldsOf(&spec)
	dockertest.Must(t, err)
	return fields
}

func TestTheFieldsLabelHasPathsInTheOrderOfTheCreator(t *testing.T) {
	got := fieldsOfYAML(t, `
state: created
image: web:1
imagePullPolicy: Always
env: [{name: Z, value: secret}, {name: A}]
ports: [{containerPort: 443, hostPort: 8443}, {containerPort: 80}]
securityContext: {capabilities: {drop: [ALL]}}
`).String()
	want := `{"f:env":{"k:{\"name\":\"Z\"}":{},"k:{\"name\":\"A\"}":{}},"f:image":{"v:\"web:1\"":{}},"f:imagePullPolicy":{"v:\"Always\"":{}},` +
		`"f:ports":{"k:{\"containerPort\":443,\"hostPort\":8443}":{},"k:{\"containerPort\":80}":{}},"f:securityContext":{"f:capabilities":{"f:drop":{"v:\"ALL\"":{}}}}}`
	if got != want {
		t.Errorf("the label is\n%s, not\n%s", got, want)
	}
}

func TestTheFieldsLabelIsASetOfFieldsOfKubernetes(t *testing.T) {
	text := fieldsOfYAML(t, `
image: web
command: [a, b]
labels: {"not valid": "x", 'quote"d': y}
mounts: [{type: tmpfs, target: /t, tmpfs: {size: 64Mi}}, {type: volume, target: /v, volume: {options: {o: bind}}}]
securityContext: {securityOpts: [no-new-privileges, label=disable]}
`).String()
	var set fieldpath.Set
	dockertest.Must(t, set.FromJSON(strings.NewReader(text)))
	for _, path := range []fieldpath.Path{
		fieldpath.MakePathOrDie("command"),
		fieldpath.MakePathOrDie("labels", `quote"d`),
		fieldpath.MakePathOrDie("mounts", fieldpath.KeyByFields("target", "/t"), "tmpfs", "size"),
		fieldpath.MakePathOrDie("securityContext", "securityOpts", 1),
	} {
		if !set.Has(path) {
			t.Errorf("%s is not in %s", path, text)
		}
	}
	parsed, err := parseFields(text)
	if err != nil || parsed.String() != text {
		t.Errorf("%s was read as %s, %v", text, parsed, err)
	}
}

func TestALabelThatSomeoneElseMadeUpIsAnError(t *testing.T) {
	for _, text := range []string{"", "x", "{", `{"f:image":1}`, `{"f:image":{}}x`, `[]`, `{"f:image":null}`, `{"f:image":{}`,
		strings.Repeat(`{"":`, 100_000) + "{}" + strings.Repeat("}", 100_000)} {
		if fields, err := parseFields(text); err == nil {
			t.Errorf("%.40q was read as %s", text, fields)
		}
	}
}
