// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package clients

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/image"
	"github.com/docker/docker/client"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/test/robustness/history"
)

// endsWithin is how long a request may take. It is longer than any fault lasts.
const endsWithin = 3 * time.Minute

// Depot is where the images of pulls and pushes come from and go to. No writer of the traffic touches them.
type Depot struct {
	Docker *client.Client
	// Registry is the address of a registry. It serves the images Images, which take a while to pull.
	Registry string
	Images   []string
	// MakeImage makes an image of the engine that no other image equals.
	MakeImage func(ctx context.Context, ref string) (id string, err error)

	serial atomic.Int64
}

// transfer is a request to pull or push.
type transfer struct {
	kind, ref string
	deadline  *int64
}

// requests are the calls for one kind of requests.
type requests struct {
	create func(context.Context) (runtime.Object, error)
	get    func(ctx context.Context, name string) (runtime.Object, error)
	watch  func(context.Context, metav1.ListOptions) (watch.Interface, error)
	remove func(ctx context.Context, name string) error
	// isThere reports whether the image is where it belongs.
	isThere func(context.Context) (bool, error)
}

// Transfer pulls and pushes one image after another until ctx ends. It waits for the end of the last one. Two clients must not
// have the same number.
func (c *Client) Transfer(ctx context.Context, d *Depot, number int) {
	pulled := d.Images[number%len(d.Images)]
	for ctx.Err() == nil {
		t := transfer{kind: "pull", ref: d.Registry + "/" + pulled}
		switch c.Random.IntN(8) {
		case 0:
			t.ref += "-none" // the registry does not have it
		case 1:
			t.deadline = new(int64(1))
		case 2, 3, 4:
			t.kind, t.ref = "push", fmt.Sprintf("%s/pushed/%d:v1", d.Registry, d.serial.Add(1))
		}
		if err := c.transfer(ctx, d, t); err != nil {
			sleep(ctx, pause)
		}
	}
}

// transfer makes one request and follows it to its end. It returns an error if there is no request.
func (c *Client) transfer(ctx context.Context, d *Depot, t transfer) error {
	if t.kind == "push" {
		if _, err := d.MakeImage(context.WithoutCancel(ctx), t.ref); err != nil {
			return err
		}
	}
	within, cancel := context.WithTimeout(context.WithoutCancel(ctx), endsWithin)
	defer cancel()
	defer d.remove(context.WithoutCancel(ctx), t.ref)
	r := c.requests(d, t)
	h := &history.Request{Client: c.Name, Kind: t.kind, Image: t.ref, Run: c.Run(), Began: c.Recorder.Now(), Deadline: t.deadline != nil}
	created, err := r.create(within)
	if err != nil || c.Run() != h.Run {
		return fmt.Errorf("creating a request: %w", err)
	}
	h.Name = created.(metav1.Object).GetName()
	see(h, created)
	if c.Random.IntN(4) == 0 {
		stay, leave := context.WithTimeout(within, time.Duration(c.Random.IntN(1500))*time.Millisecond)
		c.untilEnd(stay, r, h)
		leave()
		if !h.Finished() && !h.Gone {
			h.Deleted = true
			r.delete(within, h.Name)
		}
	}
	c.untilEnd(within, r, h)
	h.Ended = c.Recorder.Now()
	if h.Finished() && meta.IsStatusConditionTrue(h.Conditions[len(h.Conditions)-1], v1alpha1.RequestComplete) {
		for within.Err() == nil {
			if isThere, err := r.isThere(within); err == nil {
				h.Missing = !isThere
				break
			}
			sleep(within, pause)
		}
	}
	if h.Finished() {
		if again, err := r.get(within, h.Name); err == nil {
			see(h, again)
		}
		r.delete(within, h.Name)
	}
	c.Recorder.Request(h)
	return nil
}

// delete deletes a request.
func (r requests) delete(ctx context.Context, name string) {
	for ctx.Err() == nil {
		if err := r.remove(ctx, name); err == nil || apierrors.IsNotFound(err) {
			return
		}
		sleep(ctx, pause)
	}
}

// untilEnd follows a request until it has ended or ctx ends.
func (c *Client) untilEnd(ctx context.Context, r requests, h *history.Request) {
	for ; ctx.Err() == nil && !h.Finished() && !h.Gone; sleep(ctx, pause) {
		object, err := r.get(ctx, h.Name)
		if apierrors.IsNotFound(err) {
			h.Gone, h.LastRun = true, c.Run()
			return
		}
		if err != nil {
			continue
		}
		h.LastRun = c.Run()
		see(h, object)
		c.watchToEnd(ctx, r, h, object.(metav1.Object).GetResourceVersion())
	}
}

// watchToEnd watches a request until it has ended or the watch ends.
func (c *Client) watchToEnd(ctx context.Context, r requests, h *history.Request, version string) {
	if h.Finished() {
		return
	}
	events, err := r.watch(ctx, metav1.ListOptions{FieldSelector: "metadata.name=" + h.Name, ResourceVersion: version})
	if err != nil {
		return
	}
	defer events.Stop()
	for event := range events.ResultChan() {
		switch event.Type {
		case watch.Deleted:
			h.Gone, h.LastRun = true, c.Run()
			return
		case watch.Added, watch.Modified:
			if see(h, event.Object); h.Finished() {
				return
			}
		}
	}
}

// see records the conditions of a request.
func see(h *history.Request, object runtime.Object) {
	var seen []metav1.Condition
	switch o := object.(type) {
	case *v1alpha1.ImagePullRequest:
		seen = o.Status.Conditions
	case *v1alpha1.ImagePushRequest:
		seen = o.Status.Conditions
	}
	if n := len(h.Conditions); n == 0 || !equality.Semantic.DeepEqual(h.Conditions[n-1], seen) {
		h.Conditions = append(h.Conditions, seen)
	}
}

func (c *Client) requests(d *Depot, t transfer) requests {
	object := metav1.ObjectMeta{GenerateName: t.kind + "-", Namespace: c.Namespace}
	if t.kind == "push" {
		of := c.API.ImagePushRequests(c.Namespace)
		spec := v1alpha1.ImagePushRequestSpec{ImageRef: strings.ReplaceAll(t.ref, "/", "~")}
		return requests{
			create: func(ctx context.Context) (runtime.Object, error) {
				return of.Create(ctx, &v1alpha1.ImagePushRequest{ObjectMeta: object, Spec: spec}, metav1.CreateOptions{})
			},
			get: func(ctx context.Context, name string) (runtime.Object, error) {
				return of.Get(ctx, name, metav1.GetOptions{})
			},
			watch:   of.Watch,
			remove:  func(ctx context.Context, name string) error { return of.Delete(ctx, name, metav1.DeleteOptions{}) },
			isThere: func(ctx context.Context) (bool, error) { return d.pushed(ctx, t.ref) },
		}
	}
	of := c.API.ImagePullRequests(c.Namespace)
	spec := v1alpha1.ImagePullRequestSpec{RepoTag: t.ref, ActiveDeadlineSeconds: t.deadline}
	return requests{
		create: func(ctx context.Context) (runtime.Object, error) {
			return of.Create(ctx, &v1alpha1.ImagePullRequest{ObjectMeta: object, Spec: spec}, metav1.CreateOptions{})
		},
		get: func(ctx context.Context, name string) (runtime.Object, error) {
			return of.Get(ctx, name, metav1.GetOptions{})
		},
		watch:   of.Watch,
		remove:  func(ctx context.Context, name string) error { return of.Delete(ctx, name, metav1.DeleteOptions{}) },
		isThere: func(ctx context.Context) (bool, error) { return d.pulled(ctx, t.ref) },
	}
}

// pulled reports whether the engine has an image.
func (d *Depot) pulled(ctx context.Context, ref string) (bool, error) {
	_, err := d.Docker.ImageInspect(ctx, ref)
	if cerrdefs.IsNotFound(err) {
		return false, nil
	}
	return err == nil, err
}

// pushed reports whether the registry has an image.
func (d *Depot) pushed(ctx context.Context, ref string) (bool, error) {
	repository, tag, _ := strings.Cut(strings.TrimPrefix(ref, d.Registry+"/"), ":")
	request, err := http.NewRequestWithContext(ctx, http.MethodHead, fmt.Sprintf("http://%s/v2/%s/manifests/%s", d.Registry, repository, tag), nil)
	if err != nil {
		return false, err
	}
	request.Header.Set("Accept", "application/vnd.docker.distribution.manifest.v2+json, application/vnd.oci.image.manifest.v1+json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return false, err
	}
	response.Body.Close()
	return response.StatusCode == http.StatusOK, nil
}

// remove removes an image from the engine, so that the next pull has something to do.
func (d *Depot) remove(ctx context.Context, ref string) {
	ctx, cancel := context.WithTimeout(ctx, endsWithin)
	defer cancel()
	for ctx.Err() == nil {
		_, err := d.Docker.ImageRemove(ctx, ref, image.RemoveOptions{Force: true, PruneChildren: true})
		if err == nil || cerrdefs.IsNotFound(err) {
			return
		}
		sleep(ctx, pause)
	}
}
