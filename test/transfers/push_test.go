// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package transfers

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	watchtools "k8s.io/client-go/tools/watch"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/requests"
	"github.com/rancher-sandbox/engine-apiserver/test/kubectl"
	"github.com/rancher-sandbox/engine-apiserver/test/registry"
	"github.com/rancher-sandbox/engine-apiserver/test/testserver"
)

// push pushes an image and returns the status at the end.
func (c *client) push(t *testing.T, ref, credentials string) v1alpha1.ImageRequestStatus {
	t.Helper()
	created, err := c.beginPush(t, ref, credentials)
	if err != nil {
		t.Fatal(err)
	}
	event, err := watchtools.UntilWithoutRetry(t.Context(), follow(t, created.Name, "", c.pushes.Watch), func(e watch.Event) (bool, error) {
		request, ok := e.Object.(*v1alpha1.ImagePushRequest)
		return ok && meta.IsStatusConditionTrue(request.Status.Conditions, v1alpha1.RequestFinished), nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return event.Object.(*v1alpha1.ImagePushRequest).Status
}

// beginPush creates a request. The registry gets the credentials, unless they are empty.
func (c *client) beginPush(t *testing.T, ref, credentials string) (*v1alpha1.ImagePushRequest, error) {
	t.Helper()
	request := &v1alpha1.ImagePushRequest{
		ObjectMeta: metav1.ObjectMeta{GenerateName: "push-", Namespace: testserver.Namespace},
		Spec:       v1alpha1.ImagePushRequestSpec{ImageRef: strings.ReplaceAll(ref, "/", "~")},
	}
	created := &v1alpha1.ImagePushRequest{}
	post := c.Post().Namespace(testserver.Namespace).Resource("imagepushrequests").Body(request).MaxRetries(c.retries)
	if credentials != "" {
		post.SetHeader("X-Registry-Auth", credentials)
	}
	err := post.Do(t.Context()).Into(created)
	if err == nil {
		t.Cleanup(func() {
			c.pushes.Delete(context.WithoutCancel(t.Context()), created.Name, metav1.DeleteOptions{})
		})
	}
	return created, err
}

func TestAPushBringsTheImageToItsRegistry(t *testing.T) {
	c, r := of(t), registry.Start(t, someone)
	ref := r.Ref("team/tool:v2")
	id := eng.Image(t, ref)
	status := c.push(t, ref, header(t, someone))
	if !meta.IsStatusConditionTrue(status.Conditions, v1alpha1.RequestComplete) || status.ImageID != id || status.Image != strings.ReplaceAll(ref, "/", "~") ||
		!strings.HasPrefix(status.Digest, "sha256:") || len(status.Layers) == 0 || status.CurrentBytes != status.TotalBytes {
		t.Errorf("%+v", status)
	}
	if !r.Has(t, "team/tool@"+status.Digest) || !r.Has(t, "team/tool:v2") {
		t.Errorf("the registry does not have %s", status.Digest)
	}
}

func TestAPushThatFailsSaysWhy(t *testing.T) {
	c, r := of(t), registry.Start(t, someone)
	ref := r.Ref("team/tool:v2")
	eng.Image(t, ref)
	checkFailed(t, c.push(t, ref, header(t, registry.User{Name: "someone", Password: "guessed"})), v1alpha1.RequestUnauthorized)
	checkFailed(t, c.push(t, ref, ""), v1alpha1.RequestUnauthorized)
	checkFailed(t, c.push(t, r.Ref("team/none:v2"), header(t, someone)), v1alpha1.RequestNotFound)
}

func TestPullsAndPushesTogetherAreNoMoreThanMayRun(t *testing.T) {
	c, front := of(t), registry.Start(t).Front(t)
	front.Misbehave(registry.Everything, func(_ http.ResponseWriter, r *http.Request, _ http.Handler) { <-r.Context().Done() })
	var pulls []string
	for i := range requests.DefaultMaxRunning {
		pulls = append(pulls, c.mustPull(t, pullOf(front.Ref(fmt.Sprintf("team/tool:v%d", i))), "").Name)
	}
	if _, err := c.beginPush(t, front.Ref("team/tool:v1"), ""); !apierrors.IsTooManyRequests(err) {
		t.Fatalf("a push beside %d pulls: %v", len(pulls), err)
	}
	if err := c.pulls.Delete(t.Context(), pulls[0], metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	kubectl.Eventually(t, "a push runs in the place of a pull that was cancelled", func() bool {
		_, err := c.beginPush(t, front.Ref("team/tool:v1"), "")
		return err == nil
	})
}
