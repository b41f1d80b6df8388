// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package requests

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

const (
	namespace  = "rancher-desktop"
	timeToLive = 5 * time.Minute
)

var resource = v1alpha1.Resource("imagepullrequests")

// work is the jobs that the tests of a source control. The platform in the spec of a request is the key of its job.
type work struct {
	source *Source

	mu      sync.Mutex
	runs    map[string][]*running // by key
	updates map[string][]time.Time
	planned error
	done    *Result
}

// running is one run of a job.
type running struct {
	ctx    context.Context
	report *Report
	result chan error
}

// newWork returns a source for a test in a synctest bubble.
func newWork(t *testing.T, configure ...func(*Config)) *work {
	w := &work{runs: map[string][]*running{}, updates: map[string][]time.Time{}}
	config := Config{Resource: resource, Status: statusOf, Plan: w.plan}
	for _, set := range configure {
		set(&config)
	}
	w.source = New(config)
	w.source.SetSink(w)
	t.Cleanup(w.source.Stop)
	return w
}

func statusOf(object runtime.Object) *v1alpha1.ImageRequestStatus {
	return &object.(*v1alpha1.ImagePullRequest).Status
}

func (w *work) plan(_ context.Context, object runtime.Object) (Job, error) {
	spec := object.(*v1alpha1.ImagePullRequest).Spec
	job := Job{Done: w.done, Key: spec.Platform, TimeToLive: timeToLive, Run: func(ctx context.Context, report *Report) (Result, error) {
		r := &running{ctx, report, make(chan error)}
		w.mu.Lock()
		w.runs[spec.Platform] = append(w.runs[spec.Platform], r)
		w.mu.Unlock()
		select {
		case err := <-r.result:
			return Result{Image: "busybox:latest", ImageID: "sha256:1", Digest: "sha256:2", Message: "done"}, err
		case <-ctx.Done():
			return Result{}, ctx.Err()
		}
	}}
	if spec.ActiveDeadlineSeconds != nil {
		job.Deadline = time.Duration(*spec.ActiveDeadlineSeconds) * time.Second
	}
	return job, w.planned
}

// MarkDirty implements Sink.
func (w *work) MarkDirty(subject string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.updates[subject] = append(w.updates[subject], time.Now())
}

// create creates a request whose job has the key.
func (w *work) create(name, key string, change ...func(*v1alpha1.ImagePullRequestSpec)) (subject string, err error) {
	request := &v1alpha1.ImagePullRequest{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, UID: types.UID("uid of " + name)},
		Spec:       v1alpha1.ImagePullRequestSpec{Platform: key},
	}
	for _, set := range change {
		set(&request.Spec)
	}
	return w.source.Create(context.Background(), namespace+"/"+name, request)
}

func (w *work) mustCreate(t *testing.T, name, key string, change ...func(*v1alpha1.ImagePullRequestSpec)) string {
	t.Helper()
	subject, err := w.create(name, key, change...)
	if err != nil {
		t.Fatal(err)
	}
	synctest.Wait()
	return subject
}

// run returns the one run of a job so far.
func (w *work) run(t *testing.T, key string) *running {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.runs[key]) != 1 {
		t.Fatalf("the job %s has run %d times", key, len(w.runs[key]))
	}
	return w.runs[key][0]
}

// end ends the one run of a job.
func (w *work) end(t *testing.T, key string, err error) {
	t.Helper()
	w.run(t, key).result <- err
	synctest.Wait()
}

// show returns the status of a request. It is nil if there is no such request.
func (w *work) show(t *testing.T, subject string) *v1alpha1.ImageRequestStatus {
	t.Helper()
	objects, related, err := w.source.Observe(t.Context(), subject)
	if err != nil || len(related) > 0 || len(objects) > 1 {
		t.Fatal(objects, related, err)
	}
	for _, object := range objects {
		return statusOf(object)
	}
	return nil
}

// took returns when the request was updated since it was last called.
func (w *work) took(subject string) []time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	defer delete(w.updates, subject)
	return w.updates[subject]
}

// outcome returns the conditions of a request in short form.
func outcome(status *v1alpha1.ImageRequestStatus) string {
	switch {
	case status == nil:
		return "gone"
	case len(status.Conditions) == 0 && status.CompletionTime == nil:
		return "running"
	case !meta.IsStatusConditionTrue(status.Conditions, v1alpha1.RequestFinished) || status.CompletionTime == nil || len(status.Conditions) != 2:
		return fmt.Sprintf("%+v", status)
	case meta.IsStatusConditionTrue(status.Conditions, v1alpha1.RequestComplete):
		return "complete"
	}
	return "failed: " + meta.FindStatusCondition(status.Conditions, v1alpha1.RequestFailed).Reason
}

func (w *work) expect(t *testing.T, subject, want string) {
	t.Helper()
	synctest.Wait()
	if got := outcome(w.show(t, subject)); got != want {
		t.Errorf("%s is %s, want %s", subject, got, want)
	}
}

var errWork = errors.New("the work failed")
