// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/image"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/test/engine"
	"github.com/rancher-sandbox/engine-apiserver/test/registry"
)

func pulls(t *testing.T, c *Client, docker *engine.Engine) {
	r := registry.Start(t)
	digest := r.Push(t, "team/tool:v1", 1000, 1000).String()
	ref := r.Ref("team/tool:v1")
	t.Cleanup(func() {
		if _, err := docker.Client().ImageRemove(context.WithoutCancel(t.Context()), ref, image.RemoveOptions{}); err != nil {
			t.Errorf("removing %s: %v", ref, err)
		}
	})
	done := c.pull(t, ref)
	if !meta.IsStatusConditionTrue(done.Status.Conditions, v1alpha1.RequestComplete) || done.Status.Digest != digest {
		t.Errorf("%+v", done.Status)
	}
	if inspected, err := docker.Client().ImageInspect(t.Context(), ref); err != nil || inspected.ID != done.Status.ImageID {
		t.Errorf("the engine has the image %q (%v), want %q", inspected.ID, err, done.Status.ImageID)
	}
	log := c.Run(t, nil, "log", "imagepullrequests", done.Name, `{"follow": true}`)
	if !strings.HasPrefix(log.Stdout, "v1: Pulling from team/tool\n") || !strings.Contains(log.Stdout, "Digest: "+digest+"\n") || log.Code != 0 {
		t.Errorf("the log: %v", log)
	}
}

func pullsWhatIsNotThere(t *testing.T, c *Client, _ *engine.Engine) {
	done := c.pull(t, registry.Start(t).Ref("team/none:v1"))
	failed := meta.FindStatusCondition(done.Status.Conditions, v1alpha1.RequestFailed)
	if failed == nil || failed.Status != metav1.ConditionTrue || failed.Reason != v1alpha1.RequestNotFound {
		t.Errorf("%+v", done.Status)
	}
}

// pull creates a request for an image, and returns it as it is when it has finished.
func (c *Client) pull(t *testing.T, ref string) *v1alpha1.ImagePullRequest {
	t.Helper()
	request := v1alpha1.ImagePullRequest{Spec: v1alpha1.ImagePullRequestSpec{RepoTag: ref}}
	request.APIVersion, request.Kind, request.GenerateName = v1alpha1.SchemeGroupVersion.String(), "ImagePullRequest", "image-pull-"
	body, err := json.Marshal(request)
	if err != nil {
		t.Fatal(err)
	}
	created := c.request(t, "create", "imagepullrequests", string(body))
	return c.request(t, "wait", "imagepullrequests", created.Name, v1alpha1.RequestFinished)
}

// request runs a command that prints a request.
func (c *Client) request(t *testing.T, args ...string) *v1alpha1.ImagePullRequest {
	t.Helper()
	printed, request := c.Run(t, nil, args...), &v1alpha1.ImagePullRequest{}
	if err := json.Unmarshal([]byte(printed.Stdout), request); err != nil || printed.Code != 0 {
		t.Fatalf("%s: %v (%v)", strings.Join(args, " "), printed, err)
	}
	return request
}
