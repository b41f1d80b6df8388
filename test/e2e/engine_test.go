// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/generated/clientset/versioned"
	"github.com/rancher-sandbox/engine-apiserver/test/engine"
	"github.com/rancher-sandbox/engine-apiserver/test/kubectl"
	"github.com/rancher-sandbox/engine-apiserver/test/testserver"
)

const readyJSONPath = `jsonpath={.status.version} {.status.conditions[?(@.type=="ContainerEngineReady")].reason}`

func TestTheEngineIsShownByItsName(t *testing.T) {
	name := engine.UniqueName("counted")
	docker.Run(t, name)
	withEachKubectl(t, func(t *testing.T, k kubectl.Kubectl) {
		k.OK(t, "wait", "engine/moby", "--for=condition=Synced", "--timeout=60s")
		for _, args := range [][]string{{"get", "engine/moby"}, {"get", "engines"}, {"get", "engines", "moby"}, {"get", "eng", "-A"}} {
			kubectl.Contains(t, k.OK(t, args...), "moby", "True")
		}
		kubectl.Contains(t, k.OK(t, "get", "eng", "-o", "wide"), docker.Host(), "linux/", "STORAGE-DRIVER")
		kubectl.Contains(t, k.OK(t, "describe", "engine/moby"), "ContainerEngineReady", "Connected", "Containers Running:")
		kubectl.Contains(t, k.OK(t, "explain", "engine.status.counts"), "containersRunning", "whose spec.state is running")
		k.Fails(t, []string{"NotFound"}, "get", "engine/other")
		k.Fails(t, []string{"MethodNotAllowed"}, "delete", "engine/moby")
	})
}

func TestTheCategoryEngineListsAllKindsAndTheEngine(t *testing.T) {
	name := engine.UniqueName("listed")
	docker.Run(t, name)
	withEachKubectl(t, func(t *testing.T, k kubectl.Kubectl) {
		kubectl.Contains(t, k.OK(t, "get", "engine", "-o", "name"), "engine.containers.rancherdesktop.io/moby",
			"containernamespace.containers.rancherdesktop.io/moby", "container.containers.rancherdesktop.io/"+name,
			"image.containers.rancherdesktop.io/busybox:latest")
	})
}

func TestAnEngineThatIsDownIsShownAndWaitedFor(t *testing.T) {
	t.Cleanup(func() {
		if err := docker.Restart(); err != nil {
			t.Error(err)
		}
	})
	withEachKubectl(t, func(t *testing.T, k kubectl.Kubectl) {
		k.OK(t, "wait", "engine/moby", "--for=condition=ContainerEngineReady", "--timeout=60s")
		version, _, _ := strings.Cut(k.OK(t, "get", "engine/moby", "-o", readyJSONPath), " ")
		if err := docker.Terminate(); err != nil {
			t.Fatal(err)
		}
		k.OK(t, "wait", "engine/moby", "--for=condition=ContainerEngineReady=false", "--timeout=60s")
		k.OK(t, "wait", "engine/moby", "--for=condition=Synced=false", "--timeout=60s")
		if got := k.OK(t, "get", "engine/moby", "-o", readyJSONPath); got != version+" Stopped" {
			t.Errorf("after the engine was stopped, it shows %q, want version %s, Stopped", got, version)
		}
		kubectl.Contains(t, k.OK(t, "get", "eng"), "False (Stopped)", version)
		k.Fails(t, []string{"timed out waiting for the condition on engines/moby"}, "wait", "engine/moby", "--for=condition=ContainerEngineReady", "--timeout=1s")

		waited := make(chan error, 1)
		wait := k.Command(t.Context(), "wait", "engine/moby", "--for=condition=ContainerEngineReady", "--timeout=60s")
		go func() {
			out, errOut, err := kubectl.Capture(wait)
			if err != nil || !strings.Contains(out, "condition met") {
				err = fmt.Errorf("kubectl wait: %w: %s%s", err, out, errOut)
			}
			waited <- err
		}()
		if err := docker.Restart(); err != nil {
			t.Fatal(err)
		}
		if err := <-waited; err != nil {
			t.Error(err)
		}
		k.OK(t, "wait", "engine/moby", "--for=condition=Synced", "--timeout=60s")
		if got := k.OK(t, "get", "engine/moby", "-o", readyJSONPath); got != version+" Connected" {
			t.Errorf("after the engine was restarted, it shows %q, want version %s, Connected", got, version)
		}
	})
}

func TestABurstOfContainersIsNoStormOfEngineEvents(t *testing.T) {
	set, err := versioned.NewForConfig(server.Config(t))
	if err != nil {
		t.Fatal(err)
	}
	engines := set.ContainersV1alpha1().Engines(testserver.Namespace)
	list, err := engines.List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	w, err := engines.Watch(t.Context(), metav1.ListOptions{ResourceVersion: list.ResourceVersion})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Stop()
	present := func() int {
		t.Helper()
		list, err := set.ContainersV1alpha1().Containers(testserver.Namespace).List(t.Context(), metav1.ListOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return len(list.Items)
	}

	const burst = 100
	began := time.Now()
	for range burst {
		docker.Create(t, engine.UniqueName("burst"))
	}
	events := 0
	for deadline := time.After(2 * time.Minute); ; {
		select {
		case event := <-w.ResultChan():
			shown, ok := event.Object.(*v1alpha1.Engine)
			if !ok || event.Type != watch.Modified {
				t.Fatalf("the watch says %s %v", event.Type, event.Object)
			}
			events++
			if int(shown.Status.Counts.Containers) != present() {
				continue
			}
			if events >= burst && events > int(time.Since(began).Seconds())+5 { // the engine is counted once a second at most
				t.Errorf("%d containers made %d events of the engine, want fewer events than containers", burst, events)
			}
			return
		case <-deadline:
			t.Fatalf("the watch never showed %d containers", present())
		}
	}
}
