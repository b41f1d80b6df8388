// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/container"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/test/engine"
	"github.com/rancher-sandbox/engine-apiserver/test/kubectl"
	"github.com/rancher-sandbox/engine-apiserver/test/specs"
	"github.com/rancher-sandbox/engine-apiserver/test/testserver"
)

// applied are containers that were made at random and applied from one file.
type applied struct {
	*testing.T
	kubectl    kubectl.Kubectl
	file       string
	containers []v1alpha1.Container
	ids        []string
}

// newApplied writes containers into a file. Each is of one random field, of two or of as many as can be given together.
func newApplied(t *testing.T) *applied {
	t.Helper()
	a := &applied{T: t, file: filepath.Join(t.TempDir(), "containers.json")}
	random, world := specs.NewRandom(t), specs.NewWorld(t, docker, engine.Busybox)
	var made []*v1alpha1.ContainerSpec
	fields := world.Fields()
	for _, i := range random.Perm(len(fields))[:12] {
		made = append(made, world.Make(random, fields[i]))
	}
	for _, pair := range world.Pairs(random, 8) {
		made = append(made, world.Make(random, pair[0], pair[1]))
	}
	for range 8 {
		made = append(made, world.All(random))
	}
	run := engine.UniqueName("random")
	for i, spec := range made {
		c := v1alpha1.Container{Spec: *spec}
		c.TypeMeta = metav1.TypeMeta{APIVersion: v1alpha1.SchemeGroupVersion.String(), Kind: "Container"}
		c.Name, c.Labels = fmt.Sprintf("%s-%d", run, i), map[string]string{"run": run}
		docker.RemoveAfter(t, c.Name)
		a.containers = append(a.containers, c)
	}
	var objects []map[string]any
	for i := range a.containers {
		objects = append(objects, given(t, &a.containers[i]))
	}
	text, err := json.Marshal(map[string]any{"apiVersion": "v1", "kind": "List", "items": objects})
	if err != nil {
		t.Fatal(err)
	}
	write(t, a.file, string(text))
	return a
}

// given returns a container as a user would write it, without a status.
func given(t *testing.T, c *v1alpha1.Container) map[string]any {
	t.Helper()
	object, err := runtime.DefaultUnstructuredConverter.ToUnstructured(c)
	if err != nil {
		t.Fatal(err)
	}
	delete(object, "status")
	return object
}

// apply applies the file. kubectl must say one of the words of each container.
func (a *applied) apply(when string, words []string, args ...string) {
	a.Helper()
	out := a.kubectl.OK(a.T, append([]string{"apply", "-f", a.file}, args...)...)
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if len(lines) != len(a.containers) {
		a.Fatalf("%s: kubectl says %s", when, out)
	}
	for i, line := range lines {
		if !slices.ContainsFunc(words, func(word string) bool { return strings.HasSuffix(line, " "+word) }) {
			a.Errorf("%s: kubectl says %q of %v", when, line, given(a.T, &a.containers[i]))
		}
	}
}

// unchanged checks that kubectl diff finds nothing, and that all containers are the ones that were made at first.
func (a *applied) unchanged(when string, args ...string) {
	a.Helper()
	if out, errOut, err := a.kubectl.Try(a.T, append([]string{"diff", "-f", a.file}, args...)...); err != nil || out != "" {
		a.Errorf("%s: kubectl diff %s: %v\n%s%s", when, args, err, out, errOut)
	}
	var ids []string
	for _, c := range a.containers {
		ids = append(ids, inspect(a.T, c.Name).ID)
	}
	if a.ids == nil {
		a.ids = ids
	}
	if !slices.Equal(ids, a.ids) {
		a.Errorf("%s: the containers were %s, and are %s", when, a.ids, ids)
	}
}

// startAndStop starts the containers and kills them. Some cannot start, because of what their specs say.
func (a *applied) startAndStop() {
	a.Helper()
	started := 0
	for _, c := range a.containers {
		if c.Spec.AutoRemove {
			continue // it would be gone
		}
		if docker.Client().ContainerStart(a.Context(), c.Name, container.StartOptions{}) == nil {
			started++
		}
		_ = docker.Client().ContainerStop(a.Context(), c.Name, container.StopOptions{Timeout: new(0)})
	}
	if started == 0 {
		a.Error("no container could start")
	}
}

func TestRandomContainersAreUnchangedWhenTheyAreAppliedAgain(t *testing.T) {
	a := newApplied(t)
	state := t.TempDir()
	serve := func() (stop func()) {
		s, err := testserver.Run(state, docker.Host())
		if err != nil {
			t.Fatal(err)
		}
		a.kubectl = kubectl.Any(t, s.Kubeconfig)
		return func() {
			if err := s.Stop(); err != nil {
				t.Error(err)
			}
		}
	}
	stop := serve()
	a.apply("at first", []string{"created"})
	a.apply("at once", []string{"unchanged"})
	a.unchanged("at once")
	a.apply("on the server's side", []string{"serverside-applied"}, "--server-side", "--force-conflicts")
	a.unchanged("after the apply on the server's side", "--server-side", "--force-conflicts")
	a.unchanged("after the apply on the server's side")
	a.startAndStop()
	a.unchanged("after a start and a stop")
	stop()
	defer serve()()
	a.unchanged("after a restart of the server")
	a.unchanged("after a restart of the server", "--server-side", "--force-conflicts")
	// What was applied last is not stored, so the first apply tells it to the new server.
	a.apply("after a restart of the server", []string{"configured", "unchanged"})
	a.apply("once more", []string{"unchanged"})
	a.unchanged("once more")
}
