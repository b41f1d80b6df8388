// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

// Package transfers tests the pulls and pushes of the real server with a real Docker Engine and real registries.
package transfers

import (
	"context"
	"os"
	"testing"

	"github.com/containerd/errdefs"
	"github.com/docker/cli/cli/config"
	"github.com/docker/docker/api/types/image"
	registrytypes "github.com/docker/docker/api/types/registry"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/rest"
	watchtools "k8s.io/client-go/tools/watch"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	versioned "github.com/rancher-sandbox/engine-apiserver/pkg/generated/clientset/versioned/typed/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/test/engine"
	"github.com/rancher-sandbox/engine-apiserver/test/registry"
	"github.com/rancher-sandbox/engine-apiserver/test/testserver"
)

var (
	eng    *engine.Engine
	server *testserver.Server
)

func TestMain(m *testing.M) {
	// The server must not find credentials of the user who runs the tests.
	dir, err := os.MkdirTemp("", "docker-config-")
	if err != nil {
		panic(err)
	}
	config.SetDir(dir)
	code := engine.Main(testserver.Serving{Tests: m, Engine: &eng, Server: &server}, &eng, engine.DataSize("200m"))
	os.RemoveAll(dir)
	os.Exit(code)
}

var someone = registry.User{Name: "someone", Password: "hunter2-of-the-registry"}

// client is a client of the requests.
type client struct {
	rest.Interface
	pulls  versioned.ImagePullRequestInterface
	pushes versioned.ImagePushRequestInterface
	// retries is how often a pull that the server refuses for now is asked for again.
	retries int
}

func newClient(t *testing.T, of *rest.Config) *client {
	t.Helper()
	typed, err := versioned.NewForConfig(of)
	if err != nil {
		t.Fatal(err)
	}
	return &client{typed.RESTClient(), typed.ImagePullRequests(testserver.Namespace), typed.ImagePushRequests(testserver.Namespace), 0}
}

// of returns a client of the test's server.
func of(t *testing.T) *client {
	t.Helper()
	return newClient(t, server.Config(t))
}

func pullOf(ref string) *v1alpha1.ImagePullRequest {
	return &v1alpha1.ImagePullRequest{
		ObjectMeta: metav1.ObjectMeta{GenerateName: "pull-", Namespace: testserver.Namespace},
		Spec:       v1alpha1.ImagePullRequestSpec{RepoTag: ref},
	}
}

// header returns the credentials of a user as Docker takes them.
func header(t *testing.T, user registry.User) string {
	t.Helper()
	encoded, err := registrytypes.EncodeAuthConfig(registrytypes.AuthConfig{Username: user.Name, Password: user.Password})
	if err != nil {
		t.Fatal(err)
	}
	return encoded
}

// pull creates a request. The registry gets the credentials, unless they are empty.
func (c *client) pull(t *testing.T, request *v1alpha1.ImagePullRequest, credentials string) (*v1alpha1.ImagePullRequest, error) {
	t.Helper()
	created := &v1alpha1.ImagePullRequest{}
	post := c.Post().Namespace(testserver.Namespace).Resource("imagepullrequests").Body(request).MaxRetries(c.retries)
	if credentials != "" {
		post.SetHeader("X-Registry-Auth", credentials)
	}
	err := post.Do(t.Context()).Into(created)
	if err == nil {
		t.Cleanup(func() {
			c.pulls.Delete(context.WithoutCancel(t.Context()), created.Name, metav1.DeleteOptions{})
			removeImage(t, request.Spec.RepoTag)
		})
	}
	return created, err
}

func (c *client) mustPull(t *testing.T, request *v1alpha1.ImagePullRequest, credentials string) *v1alpha1.ImagePullRequest {
	t.Helper()
	created, err := c.pull(t, request, credentials)
	if err != nil {
		t.Fatal(err)
	}
	return created
}

func removeImage(t *testing.T, ref string) {
	t.Helper()
	_, err := eng.Client().ImageRemove(context.WithoutCancel(t.Context()), ref, image.RemoveOptions{Force: true, PruneChildren: true})
	if err != nil && !errdefs.IsNotFound(err) {
		t.Errorf("removing %s: %v", ref, err)
	}
}

// follow returns a watch of one object.
func follow(t *testing.T, name, version string, start func(context.Context, metav1.ListOptions) (watch.Interface, error)) watch.Interface {
	t.Helper()
	w, err := start(t.Context(), metav1.ListOptions{FieldSelector: fields.OneTermEqualSelector("metadata.name", name).String(), ResourceVersion: version})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Stop)
	return w
}

// until waits for the state of a pull that the condition wants.
func (c *client) until(t *testing.T, name string, condition func(*v1alpha1.ImagePullRequest) bool) *v1alpha1.ImagePullRequest {
	t.Helper()
	w := follow(t, name, "", c.pulls.Watch)
	event, err := watchtools.UntilWithoutRetry(t.Context(), w, func(e watch.Event) (bool, error) {
		request, ok := e.Object.(*v1alpha1.ImagePullRequest)
		return ok && condition(request), nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return event.Object.(*v1alpha1.ImagePullRequest)
}

func isFinished(request *v1alpha1.ImagePullRequest) bool {
	return meta.IsStatusConditionTrue(request.Status.Conditions, v1alpha1.RequestFinished)
}

// complete waits for the end of a pull, which must succeed.
func (c *client) complete(t *testing.T, name string) *v1alpha1.ImagePullRequest {
	t.Helper()
	request := c.until(t, name, isFinished)
	if !meta.IsStatusConditionTrue(request.Status.Conditions, v1alpha1.RequestComplete) || meta.FindStatusCondition(request.Status.Conditions, v1alpha1.RequestFailed) != nil {
		t.Fatalf("the pull is not complete: %+v", request.Status)
	}
	return request
}

// fails waits for the end of a pull, which must fail for that reason.
func (c *client) fails(t *testing.T, name, reason string) *v1alpha1.ImagePullRequest {
	t.Helper()
	request := c.until(t, name, isFinished)
	checkFailed(t, request.Status, reason)
	return request
}

func checkFailed(t *testing.T, status v1alpha1.ImageRequestStatus, reason string) {
	t.Helper()
	failed := meta.FindStatusCondition(status.Conditions, v1alpha1.RequestFailed)
	if failed == nil || failed.Status != metav1.ConditionTrue || failed.Reason != reason || failed.Message == "" ||
		meta.FindStatusCondition(status.Conditions, v1alpha1.RequestComplete) != nil || status.CompletionTime == nil {
		t.Fatalf("the request has not failed with the reason %s: %+v", reason, status)
	}
}
