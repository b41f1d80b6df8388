// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package container

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	"sigs.k8s.io/yaml"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

// withSpec returns a container whose spec has these fields in YAML.
func withSpec(t *testing.T, fields string) *v1alpha1.Container {
	t.Helper()
	c := &v1alpha1.Container{}
	if err := yaml.UnmarshalStrict([]byte(fields), &c.Spec); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestWhatMeansTheSameIsNoChange(t *testing.T) {
	for _, test := range []struct{ existing, given string }{
		{`env: [{name: A, value: x}, {name: B}]`, `env: [{name: B}, {name: A, value: x}]`},
		{`mounts: [{type: tmpfs, target: /a}, {type: tmpfs, target: /b}]`, `mounts: [{type: tmpfs, target: /b}, {type: tmpfs, target: /a}]`},
		{`ulimits: [{name: core, soft: 0, hard: 0}, {name: cpu, soft: 1, hard: 1}]`, `ulimits: [{name: cpu, soft: 1, hard: 1}, {name: core, soft: 0, hard: 0}]`},
		{`networks: [{name: a}, {name: b}]`, `networks: [{name: b}, {name: a}]`},
		{`ports: [{containerPort: 80, protocol: TCP}]`, `ports: [{containerPort: 80}]`},
		{`ports: [{containerPort: 80}]`, `ports: [{containerPort: 80, protocol: TCP}]`},
		{`restartPolicy: {name: "no"}`, `{}`},
		{`resources: {memory: 256Mi}`, `resources: {memory: 256Mi, memorySwap: 512Mi}`},
		{`resources: {memory: 256Mi, memorySwap: 512Mi}`, `resources: {memory: 256Mi, memorySwap: 512Mi}`},
		{`resources: {memory: 256Mi, memorySwap: 512Mi, pids: -1}`, `resources: {memory: 256Mi}`},
		{`{}`, `resources: {pids: -1}`},
		{`resources: {pids: -1}`, `image: ""`},
		{`{}`, `{image: "", resources: {}}`},
		{`resources: {}`, `{image: ""}`},
		{`state: paused`, `{}`},
	} {
		existing, updated := withSpec(t, test.existing), withSpec(t, test.given)
		(strategy{}).PrepareForUpdate(t.Context(), updated, existing)
		if !apiequality.Semantic.DeepEqual(updated.Spec, existing.Spec) {
			t.Errorf("%s becomes %+v", test.given, updated.Spec)
		}
		if errs := (strategy{}).ValidateUpdate(t.Context(), updated, existing); len(errs) > 0 {
			t.Errorf("%s is refused: %v", test.given, errs.ToAggregate())
		}
	}
}

func TestHiddenValuesAreComparedAndNeverShown(t *testing.T) {
	hide := func(string) []v1alpha1.ContainerEnvVar {
		return []v1alpha1.ContainerEnvVar{{Name: "A", Value: "secret"}, {Name: "B", Value: "secret too"}}
	}
	existing := withSpec(t, `env: [{name: A}, {name: B}]`)
	for _, test := range []struct{ given, want string }{
		{`env: [{name: A}, {name: B}]`, ""},
		{`env: [{name: B, value: secret too}, {name: A, value: secret}]`, ""},
		{`env: [{name: A, value: secret}]`, "spec.env: Invalid value: field is immutable: B is gone"},
		{`env: [{name: A, value: guess}, {name: B}]`, "spec.env: Invalid value: field is immutable: A has another value"},
		{`env: [{name: A}, {name: B}, {name: C, value: secret}]`, "spec.env: Invalid value: field is immutable: C is new"},
	} {
		updated := withSpec(t, test.given)
		updated.Annotations = map[string]string{corev1.LastAppliedConfigAnnotation: `{"spec":{"env":[{"name":"A","value":"secret"}]}}`}
		s := strategy{hiddenEnvironment: hide}
		s.PrepareForUpdate(t.Context(), updated, existing)
		err := s.ValidateUpdate(t.Context(), updated, existing).ToAggregate()
		if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%s: the error is %v, want %q", test.given, err, test.want)
		}
		if strings.Contains(updated.Annotations[corev1.LastAppliedConfigAnnotation], "secret") {
			t.Errorf("%s: the annotations are %v", test.given, updated.Annotations)
		}
		if err != nil && (strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "guess")) {
			t.Errorf("%s: %v tells a value", test.given, err)
		}
	}
}
