// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package clients_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/generated/clientset/versioned"
	typed "github.com/rancher-sandbox/engine-apiserver/pkg/generated/clientset/versioned/typed/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/generated/informers/externalversions"
	"github.com/rancher-sandbox/engine-apiserver/test/testserver"
)

// followInformers follows all resources with the generated informers.
func followInformers(t *testing.T, server *testserver.Server) *record {
	t.Helper()
	r := newRecord()
	config := server.Config(t)
	config.Wrap(r.wrap)
	clients, err := versioned.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	factory := externalversions.NewSharedInformerFactoryWithOptions(clients, 0, externalversions.WithNamespace(testserver.Namespace))
	informers := map[string]cache.SharedIndexInformer{}
	for _, resource := range resources {
		generic, err := factory.ForResource(v1alpha1.SchemeGroupVersion.WithResource(resource))
		if err != nil {
			t.Fatal(err)
		}
		informers[resource] = generic.Informer()
		attach(t, generic.Informer(), resource, r)
	}
	r.stored = func(resource string) []runtime.Object {
		var objects []runtime.Object
		for _, object := range informers[resource].GetStore().List() {
			objects = append(objects, object.(runtime.Object))
		}
		return objects
	}
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(func() {
		cancel()
		factory.Shutdown()
	})
	factory.StartWithContext(ctx)
	if err := factory.WaitForCacheSyncWithContext(ctx).Err; err != nil {
		t.Fatal(err)
	}
	return r
}

func attach(t *testing.T, informer cache.SharedIndexInformer, resource string, r *record) {
	t.Helper()
	err := informer.SetWatchErrorHandlerWithContext(func(ctx context.Context, _ *cache.Reflector, err error) {
		if ctx.Err() == nil {
			r.problem("the informer of %s: %v", resource, err)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = informer.AddEventHandler(cache.ResourceEventHandlerDetailedFuncs{
		AddFunc: func(object any, initial bool) {
			if initial {
				r.initial(resource, object.(runtime.Object))
			} else {
				r.event(watch.Added, resource, object.(runtime.Object))
			}
		},
		UpdateFunc: func(_, object any) { r.event(watch.Modified, resource, object.(runtime.Object)) },
		DeleteFunc: func(object any) {
			if known, ok := object.(runtime.Object); ok {
				r.event(watch.Deleted, resource, known)
			} else {
				r.problem("the informer of %s missed the removal of %v", resource, object)
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
}

// followTyped follows all resources with one list and one watch of the generated clients.
func followTyped(t *testing.T, server *testserver.Server) *record {
	t.Helper()
	r := newRecord()
	config := server.Config(t)
	config.Wrap(r.wrap)
	client := newClient(t, config)
	for _, resource := range resources {
		listed, err := list(t.Context(), client, resource)
		if err != nil {
			t.Fatal(err)
		}
		err = meta.EachListItem(listed, func(object runtime.Object) error {
			r.initial(resource, object)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		watcher, err := watchFrom(t.Context(), client, resource, listed.(metav1.ListInterface).GetResourceVersion())
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan struct{})
		stopped := make(chan struct{})
		t.Cleanup(func() {
			close(stopped)
			watcher.Stop()
			<-done
		})
		go func() {
			defer close(done)
			for event := range watcher.ResultChan() {
				r.event(event.Type, resource, event.Object)
			}
			select {
			case <-stopped:
			default:
				r.problem("the watch of %s ended early", resource)
			}
		}()
	}
	return r
}

func watchFrom(ctx context.Context, client typed.ContainersV1alpha1Interface, resource, version string) (watch.Interface, error) {
	options := metav1.ListOptions{ResourceVersion: version}
	switch resource {
	case "containers":
		return client.Containers(testserver.Namespace).Watch(ctx, options)
	case "images":
		return client.Images(testserver.Namespace).Watch(ctx, options)
	case "networks":
		return client.Networks(testserver.Namespace).Watch(ctx, options)
	default:
		return client.Volumes(testserver.Namespace).Watch(ctx, options)
	}
}

// informer031 is the path of a program that follows the server with the informers of client-go 0.31.
var informer031 string

// withInformer031 builds informer031 before the tests run. On a new machine, the build takes longer than a watch lasts.
type withInformer031 struct{ *testing.M }

func (w withInformer031) Run() int {
	dir, err := os.MkdirTemp("", "informer031")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	informer031 = filepath.Join(dir, "informer031")
	// Kubernetes is built with the same flags, so the build cache already has the standard library.
	build := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", informer031, ".")
	build.Dir = filepath.Join("..", "informer031")
	if output, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "building informer031: %v\n%s", err, output)
		return 1
	}
	return w.M.Run()
}

// followInformers031 follows all resources with the informers of client-go 0.31. They run in a program of their own, because one
// program cannot have two versions of client-go.
func followInformers031(t *testing.T, server *testserver.Server) *record {
	t.Helper()
	command := exec.Command(informer031, "-kubeconfig", server.Kubeconfig, "-namespace", testserver.Namespace)
	stdin, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	command.Stderr = t.Output()
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	r := newRecord()
	r.byObject = true // its queue orders the events of one object, but not the events of different objects
	synced, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		r.read(bufio.NewReader(stdout), synced)
	}()
	t.Cleanup(func() {
		stdin.Close()
		<-ended
		if err := command.Wait(); err != nil {
			t.Errorf("informer031: %v", err)
		}
	})
	select {
	case <-synced:
	case <-ended:
		t.Fatalf("informer031 ended early: %q", r.problems)
	}
	return r
}

var newObject = map[string]func() runtime.Object{
	"containers": func() runtime.Object { return &v1alpha1.Container{} },
	"images":     func() runtime.Object { return &v1alpha1.Image{} },
	"volumes":    func() runtime.Object { return &v1alpha1.Volume{} },
	"networks":   func() runtime.Object { return &v1alpha1.Network{} },
}

// read records the output of informer031.
func (r *record) read(from *bufio.Reader, synced chan<- struct{}) {
	for decoder := json.NewDecoder(from); decoder.More(); {
		var line struct {
			Request, Resource, Error string
			Type                     watch.EventType
			Initial, Synced          bool
			Object                   json.RawMessage
		}
		if err := decoder.Decode(&line); err != nil {
			r.problem("reading from informer031: %v", err)
			return
		}
		switch {
		case line.Synced:
			close(synced)
		case line.Request != "":
			r.request(line.Request)
		case line.Error != "":
			r.problem("the informer of %s: %s", line.Resource, line.Error)
		default:
			object := newObject[line.Resource]()
			if err := json.Unmarshal(line.Object, object); err != nil {
				r.problem("reading from informer031: %v", err)
				return
			}
			object.GetObjectKind().SetGroupVersionKind(schema.GroupVersionKind{})
			if line.Initial {
				r.initial(line.Resource, object)
			} else {
				r.event(line.Type, line.Resource, object)
			}
		}
	}
}
