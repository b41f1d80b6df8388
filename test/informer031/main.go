// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

// Command informer031 watches containers, images, volumes and networks with dynamic informers of client-go 0.31, which list and then watch.
// It prints each request, event and error as a line of JSON. It ends when its standard input ends.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"path"
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
)

// line is one line of output. One of Request, Type, Error and Synced is set.
type line struct {
	Request  string                     `json:"request,omitempty"`
	Type     watch.EventType            `json:"type,omitempty"`
	Initial  bool                       `json:"initial,omitempty"`
	Resource string                     `json:"resource,omitempty"`
	Object   *unstructured.Unstructured `json:"object,omitempty"`
	Error    string                     `json:"error,omitempty"`
	Synced   bool                       `json:"synced,omitempty"`
}

type printer struct {
	mu  sync.Mutex
	out *json.Encoder
}

func (p *printer) print(l line) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.out.Encode(l); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// recorder prints each request before it is sent.
type recorder struct {
	*printer
	http.RoundTripper
}

func (r recorder) RoundTrip(request *http.Request) (*http.Response, error) {
	verb := "list "
	if request.URL.Query().Get("watch") == "true" {
		verb = "watch "
	}
	r.print(line{Request: verb + path.Base(request.URL.Path)})
	return r.RoundTripper.RoundTrip(request)
}

func main() {
	kubeconfig := flag.String("kubeconfig", "", "kubeconfig of the server")
	namespace := flag.String("namespace", "", "namespace to watch")
	flag.Parse()
	if err := follow(*kubeconfig, *namespace); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func follow(kubeconfig, namespace string) error {
	p := &printer{out: json.NewEncoder(os.Stdout)}
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return err
	}
	config.Wrap(func(rt http.RoundTripper) http.RoundTripper { return recorder{p, rt} })
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return err
	}
	// Make the informers as the factories of client-go do. The factories themselves would add all kinds of Kubernetes to the build.
	group := schema.GroupVersion{Group: "containers.rancherdesktop.io", Version: "v1alpha1"}
	stop := make(chan struct{})
	var synced []cache.InformerSynced
	for _, resource := range []string{"containers", "images", "volumes", "networks"} {
		objects := client.Resource(group.WithResource(resource)).Namespace(namespace)
		informer := cache.NewSharedIndexInformer(&cache.ListWatch{
			ListFunc: func(options metav1.ListOptions) (runtime.Object, error) {
				return objects.List(context.Background(), options)
			},
			WatchFunc: func(options metav1.ListOptions) (watch.Interface, error) {
				return objects.Watch(context.Background(), options)
			},
		}, &unstructured.Unstructured{}, 0, cache.Indexers{})
		if err := p.attach(informer, resource); err != nil {
			return err
		}
		go informer.Run(stop)
		synced = append(synced, informer.HasSynced)
	}
	if !cache.WaitForCacheSync(stop, synced...) {
		return errors.New("the informers do not sync")
	}
	p.print(line{Synced: true})
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

func (p *printer) attach(informer cache.SharedIndexInformer, resource string) error {
	err := informer.SetWatchErrorHandler(func(_ *cache.Reflector, err error) {
		p.print(line{Resource: resource, Error: err.Error()})
	})
	if err != nil {
		return err
	}
	event := func(kind watch.EventType, initial bool, object any) {
		if u, ok := object.(*unstructured.Unstructured); ok {
			p.print(line{Type: kind, Initial: initial, Resource: resource, Object: u})
		} else {
			p.print(line{Resource: resource, Error: fmt.Sprintf("%s of a %T", kind, object)})
		}
	}
	_, err = informer.AddEventHandler(cache.ResourceEventHandlerDetailedFuncs{
		AddFunc:    func(object any, initial bool) { event(watch.Added, initial, object) },
		UpdateFunc: func(_, object any) { event(watch.Modified, false, object) },
		DeleteFunc: func(object any) { event(watch.Deleted, false, object) },
	})
	return err
}
