// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package transfers

import (
	"fmt"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/test/kubectl"
	"github.com/rancher-sandbox/engine-apiserver/test/registry"
)

func TestAnEngineRestartIsFailedWithTheReasonEngineLost(t *testing.T) {
	for how, stop := range map[string]func() error{"killed": eng.Kill, "terminated": eng.Terminate} {
		t.Run(how, func(t *testing.T) {
			c, r := of(t), registry.Start(t)
			r.Push(t, "team/tool:v1", large)
			front, gate := r.Front(t), registry.NewGate(small)
			front.Misbehave(registry.Blobs, gate.Hold)
			created := c.mustPull(t, pullOf(front.Ref("team/tool:v1")), "")
			<-gate.Held()
			if err := stop(); err != nil {
				t.Fatal(err)
			}
			failed := c.fails(t, created.Name, v1alpha1.RequestEngineLost)
			if log := c.log(t, created.Name, ""); !strings.Contains(log, failed.Status.Message) {
				t.Errorf("the log does not say %q: %s", failed.Status.Message, log)
			}
			kubectl.Eventually(t, "a pull without an engine is refused", func() bool { // the pull may notice the loss first
				_, err := c.pull(t, pullOf(front.Ref("team/tool:v1")), "")
				_, retry := apierrors.SuggestsClientDelay(err)
				return apierrors.IsServiceUnavailable(err) && retry
			})
			if list, err := c.pulls.List(t.Context(), metav1.ListOptions{}); err != nil || len(list.Items) == 0 {
				t.Errorf("the requests are not there without the engine: %v", err)
			}
			if err := eng.Restart(); err != nil {
				t.Fatal(err)
			}
			gate.Release()
			front.Behave()
			c.retries = 60 // the server has to find the engine again
			c.complete(t, c.mustPull(t, pullOf(front.Ref("team/tool:v1")), "").Name)
		})
	}
}

func TestAPullThatFindsNoSpaceFailsWithTheReasonNoSpace(t *testing.T) {
	c, r := of(t), registry.Start(t)
	r.Push(t, "team/tool:v1", 8*large)
	if err := eng.Fill(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := eng.Free(); err != nil {
			t.Error(err)
		}
	})
	c.fails(t, c.mustPull(t, pullOf(r.Ref("team/tool:v1")), "").Name, v1alpha1.RequestNoSpace)
}

func TestEveryPullEndsAndCompleteMeansThatTheImageIsThere(t *testing.T) {
	c, r := of(t), registry.Start(t)
	c.retries = 60 // the server has to find the engine again
	front := r.Front(t)
	front.Misbehave(registry.Blobs, registry.Slow(large/2))
	var names, refs []string
	begin := func(n int) {
		for range n {
			name := fmt.Sprintf("team/tool:v%d", len(names))
			r.Push(t, name, large, small)
			refs = append(refs, front.Ref(name))
			names = append(names, c.mustPull(t, pullOf(front.Ref(name)), "").Name)
		}
	}
	begin(4)
	c.until(t, names[0], func(request *v1alpha1.ImagePullRequest) bool {
		return request.Status.CurrentBytes > 0 || isFinished(request)
	})
	begin(4)
	if err := eng.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := eng.Restart(); err != nil {
		t.Fatal(err)
	}
	begin(4)
	for i, name := range names {
		request := c.until(t, name, isFinished)
		_, err := eng.Client().ImageInspect(t.Context(), refs[i])
		switch failed := meta.FindStatusCondition(request.Status.Conditions, v1alpha1.RequestFailed); {
		case failed == nil && err != nil:
			t.Errorf("pull %d is complete, and the image is not there: %v", i, err)
		case failed != nil && failed.Reason != v1alpha1.RequestEngineLost:
			t.Errorf("pull %d failed: %+v", i, failed)
		case failed != nil && i >= 8:
			t.Errorf("pull %d failed after the restart: %+v", i, failed)
		}
	}
}
