// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package bench_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/url"
	"slices"
	"sync/atomic"
	"time"

	"github.com/docker/docker/api/types/events"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/image"
	"github.com/docker/docker/pkg/jsonmessage"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/watch"
	watchtools "k8s.io/client-go/tools/watch"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/test/engine"
	"github.com/rancher-sandbox/engine-apiserver/test/registry"
)

const (
	largeImage = "team/large:v1"
	// layersAtOnce is how many layers Docker downloads at a time.
	layersAtOnce = 3
)

// pullsOfAnImage measures pulls from a registry on this machine. The registry and Docker hash, write and unpack random bytes,
// which do not become smaller.
func (s *setting) pullsOfAnImage() {
	ref := s.startRegistry().Ref(largeImage)
	figure := fmt.Sprintf("pull of %d MB in %d layers", s.pulled, s.layers)
	for range s.pulls {
		s.turns(
			s.alone(ref, s.timed(figure, docker, func() error { return s.pullByDocker(ref) })),
			s.alone(ref, s.timed(figure, standalone, func() error { return s.pullByRequest(ref) })),
		)
	}
}

// startRegistry starts the registry, unless it runs, and pushes the large image to it.
func (s *setting) startRegistry() *registry.Registry {
	s.Helper()
	if s.registry == nil {
		s.registry = registry.Start(s)
		s.registry.Push(s, largeImage, slices.Repeat([]int64{s.layerSize()}, s.layers)...)
	}
	return s.registry
}

func (s *setting) layerSize() int64 { return int64(s.pulled) * megabyte / int64(s.layers) }

// alone returns a call of pull after which the image and the requests for it are gone.
func (s *setting) alone(ref string, pull func() error) func() error {
	return func() error {
		if err := pull(); err != nil {
			return fmt.Errorf("pulling %s: %w", ref, err)
		}
		if _, err := s.engine.Client().ImageRemove(s.Context(), ref, image.RemoveOptions{PruneChildren: true}); err != nil {
			return err
		}
		return s.server.typed(s).ImagePullRequests(namespace).DeleteCollection(s.Context(), metav1.DeleteOptions{}, metav1.ListOptions{})
	}
}

// pullByDocker pulls as the docker command does where there is no terminal.
func (s *setting) pullByDocker(ref string) error {
	messages, err := s.engine.Client().ImagePull(s.Context(), ref, image.PullOptions{})
	if err != nil {
		return err
	}
	defer messages.Close()
	return jsonmessage.DisplayJSONMessagesStream(messages, io.Discard, 0, false, nil)
}

// pullByRequest creates a request and watches it to its end.
func (s *setting) pullByRequest(ref string) error {
	ctx, client := s.Context(), s.server.typed(s).ImagePullRequests(namespace)
	created, err := client.Create(ctx, pullRequest(engine.UniqueName("pull"), ref), metav1.CreateOptions{})
	if err != nil {
		return err
	}
	watcher, err := client.Watch(ctx, metav1.ListOptions{FieldSelector: named(created.Name), ResourceVersion: created.ResourceVersion})
	if err != nil {
		return err
	}
	_, err = watchtools.UntilWithoutRetry(ctx, watcher, func(event watch.Event) (bool, error) { return isComplete(event.Object) })
	return err
}

func pullRequest(name, ref string) *v1alpha1.ImagePullRequest {
	return &v1alpha1.ImagePullRequest{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: v1alpha1.ImagePullRequestSpec{RepoTag: ref}}
}

func named(name string) string { return fields.OneTermEqualSelector("metadata.name", name).String() }

// isComplete reports whether a pull has finished. A pull that failed is an error.
func isComplete(object any) (bool, error) {
	request, ok := object.(*v1alpha1.ImagePullRequest)
	if !ok {
		return false, fmt.Errorf("no pull but %+v", object)
	}
	if failed := meta.FindStatusCondition(request.Status.Conditions, v1alpha1.RequestFailed); failed != nil {
		return false, fmt.Errorf("%s: %s", failed.Reason, failed.Message)
	}
	return meta.IsStatusConditionTrue(request.Status.Conditions, v1alpha1.RequestFinished), nil
}

// pullsWithWatchers measures the processor time of the server during pulls that many clients watch, and during pulls that nobody
// watches. The registry is so slow that there is progress all the time.
func (s *setting) pullsWithWatchers() {
	front := s.startRegistry().Front(s)
	ref := front.Ref(largeImage)
	turns := (s.layers + layersAtOnce - 1) / layersAtOnce
	front.Misbehave(registry.Blobs, registry.Slow(int(float64(s.layerSize())*float64(turns)/s.pulling.Seconds())))
	for range s.watchedPulls {
		s.turns(
			s.alone(ref, func() error { return s.watchedPull("CPU during a pull that nobody watches", ref, 0) }),
			s.alone(ref, func() error {
				return s.watchedPull(fmt.Sprintf("CPU during a pull with %d watchers", s.pullWatchers), ref, s.pullWatchers)
			}),
		)
	}
}

// watchedPull measures one pull, from its request to the end that Docker reports and all watchers have seen. The watchers come
// before the request, so that their connections are no part of the figure.
func (s *setting) watchedPull(figure, ref string, watchers int) error {
	ctx, cancel := context.WithTimeout(s.Context(), s.pulling+patience)
	defer cancel()
	client, name := s.server.typed(s).ImagePullRequests(namespace), engine.UniqueName("pull")
	pulled, failed := s.engine.Client().Events(ctx, events.ListOptions{
		Filters: filters.NewArgs(filters.Arg("type", string(events.ImageEventType)), filters.Arg("event", string(events.ActionPull))),
	})
	var updates atomic.Int64
	finished := make(chan struct{}, watchers)
	path := s.server.path("imagepullrequests") + "?" + url.Values{
		"watch": {"true"}, "resourceVersion": {s.server.version(s, "imagepullrequests")}, "fieldSelector": {named(name)},
	}.Encode()
	for range watchers {
		watcher := endpoint{s.server.newClient(s), s.server.base}
		defer watcher.client.CloseIdleConnections()
		watcher.followAt(ctx, s, path, func(line []byte, _ time.Time) {
			if bytes.HasPrefix(line, []byte(`{"type":"MODIFIED"`)) {
				updates.Add(1)
			}
			if bytes.Contains(line, []byte(`"type":"`+v1alpha1.RequestFinished+`"`)) {
				finished <- struct{}{}
			}
		})
	}
	before, begun := s.server.cpu(s), time.Now()
	if _, err := client.Create(ctx, pullRequest(name, ref), metav1.CreateOptions{}); err != nil {
		return err
	}
	select {
	case <-pulled:
	case err := <-failed:
		return err
	}
	for range watchers {
		select {
		case <-finished:
		case <-ctx.Done():
			return fmt.Errorf("watching: %w", ctx.Err())
		}
	}
	used, took := s.server.cpu(s)-before, time.Since(begun)
	s.add(figure, percent, standalone, 100*used.Seconds()/took.Seconds())
	if watchers > 0 {
		s.add(fmt.Sprintf("updates of a pull that each of %d watchers gets", watchers), perSecond, standalone,
			float64(updates.Load())/float64(watchers)/took.Seconds())
	}
	return s.completes(ctx, name)
}

// completes waits until a pull that Docker has finished is complete.
func (s *setting) completes(ctx context.Context, name string) error {
	watcher, err := s.server.typed(s).ImagePullRequests(namespace).Watch(ctx, metav1.ListOptions{FieldSelector: named(name)})
	if err != nil {
		return err
	}
	_, err = watchtools.UntilWithoutRetry(ctx, watcher, func(event watch.Event) (bool, error) { return isComplete(event.Object) })
	return err
}
