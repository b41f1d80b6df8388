// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package creation

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/image"
	registrytypes "github.com/docker/docker/api/types/registry"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	watchtools "k8s.io/client-go/tools/watch"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/test/registry"
	"github.com/rancher-sandbox/engine-apiserver/test/testserver"
)

// layer is the size of a layer that takes some time.
const layer = 1 << 20

// from returns a container of an image that is not there, which need not start.
func from(t *testing.T, ref string, policy v1alpha1.ContainerImagePullPolicy) *v1alpha1.Container {
	t.Helper()
	t.Cleanup(func() {
		_, err := eng.Client().ImageRemove(context.WithoutCancel(t.Context()), ref, image.RemoveOptions{Force: true, PruneChildren: true})
		if err != nil && !errdefs.IsNotFound(err) {
			t.Errorf("removing %s: %v", ref, err)
		}
	})
	return wanted(t, func(s *v1alpha1.ContainerSpec) {
		s.Image, s.ImagePullPolicy, s.Args, s.State = ref, policy, nil, v1alpha1.ContainerStateCreated
	})
}

// manifests counts how often Docker has asked a front for a manifest.
func manifests(f *registry.Front) func() int {
	asked := make(chan int, 1)
	asked <- 0
	f.Misbehave(registry.Manifests, func(w http.ResponseWriter, r *http.Request, registry http.Handler) {
		asked <- <-asked + 1
		registry.ServeHTTP(w, r)
	})
	return func() int {
		n := <-asked
		asked <- n
		return n
	}
}

func TestTheImageOfANewContainerIsPulled(t *testing.T) {
	c, r := newClient(t), registry.Start(t)
	r.Push(t, "team/tool:v1", layer)
	for _, policy := range []v1alpha1.ContainerImagePullPolicy{"", v1alpha1.ContainerPullIfNotPresent, v1alpha1.ContainerPullAlways} {
		front := r.Front(t)
		asked := manifests(front)
		ref := front.Ref("team/tool:v1")
		made := c.mustCreate(t, from(t, ref, policy))
		if inspected := eng.Inspect(t, made.Name); inspected.Config.Image != ref || inspected.Image != made.Status.ImageID || asked() == 0 {
			t.Errorf("%q: %s", policy, inspected.Config.Image)
		}
		before := asked()
		c.mustCreate(t, from(t, ref, policy))
		if again := asked() > before; again != (policy == v1alpha1.ContainerPullAlways) {
			t.Errorf("%q: Docker has asked the registry again: %t", policy, again)
		}
	}
}

func TestAPullAndACreateShareOnePull(t *testing.T) {
	c, r := newClient(t), registry.Start(t)
	r.Push(t, "team/tool:v1", layer)
	front, gate := r.Front(t), registry.NewGate(1000)
	front.Misbehave(registry.Blobs, gate.Hold)
	ref := front.Ref("team/tool:v1")
	pulls := c.api.ImagePullRequests(testserver.Namespace)
	w, err := pulls.Watch(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Stop()
	proxy.Reset()
	pull, err := pulls.Create(t.Context(), &v1alpha1.ImagePullRequest{
		ObjectMeta: metav1.ObjectMeta{GenerateName: "pull-"}, Spec: v1alpha1.ImagePullRequestSpec{RepoTag: ref},
	}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	<-gate.Held()
	made := make(chan error, 1)
	wanted := from(t, ref, "")
	go func() {
		_, err := c.Create(t.Context(), wanted, metav1.CreateOptions{})
		made <- err
	}()
	// The pull of the create is another request.
	if _, err := watchtools.UntilWithoutRetry(t.Context(), w, func(e watch.Event) (bool, error) {
		return strings.HasPrefix(e.Object.(*v1alpha1.ImagePullRequest).Name, wanted.Name+"-"), nil
	}); err != nil {
		t.Fatal(err)
	}
	gate.Release()
	if err := <-made; err != nil {
		t.Error(err)
	}
	shared, err := pulls.Get(t.Context(), pull.Name, metav1.GetOptions{})
	if err != nil || !meta.IsStatusConditionTrue(shared.Status.Conditions, v1alpha1.RequestComplete) {
		t.Errorf("%+v: %v", shared, err)
	}
	sent := 0
	for _, request := range proxy.Requests() {
		if strings.Contains(request.URI, "/images/create") {
			sent++
		}
	}
	if sent != 1 {
		t.Errorf("Docker was asked to pull %d times", sent)
	}
}

func TestAPullThatFailsFailsTheCreate(t *testing.T) {
	c, r, closed := newClient(t), registry.Start(t), registry.Start(t, someone)
	closed.Push(t, "team/tool:v1", 1000)
	for _, test := range []struct {
		ref    string
		policy v1alpha1.ContainerImagePullPolicy
		is     func(error) bool
		words  string
	}{
		{r.Ref("team/none:v1"), "", apierrors.IsInvalid, "spec.image: Not found"},
		{r.Ref("team/none:v1"), v1alpha1.ContainerPullNever, apierrors.IsInvalid, "spec.image: Not found"},
		{closed.Ref("team/tool:v1"), "", apierrors.IsForbidden, "basic auth credentials"},
		{"127.0.0.1:1/team/tool:v1", "", apierrors.IsServiceUnavailable, "connection refused"},
	} {
		refused := from(t, test.ref, test.policy)
		_, err := c.Create(t.Context(), refused, metav1.CreateOptions{})
		if !test.is(err) || !strings.Contains(err.Error(), test.words) || eng.Inspect(t, refused.Name) != nil {
			t.Errorf("%s: %v", test.ref, err)
		}
		if _, repeats := apierrors.SuggestsClientDelay(err); repeats {
			t.Errorf("%s: the client repeats the request: %v", test.ref, err)
		}
	}
}

var someone = registry.User{Name: "someone", Password: "hunter2-of-the-registry"}

func TestACreateBringsCredentialsInItsHeader(t *testing.T) {
	c, r := newClient(t), registry.Start(t, someone)
	r.Push(t, "team/tool:v1", 1000)
	for password, is := range map[string]func(error) bool{
		someone.Password: func(err error) bool { return err == nil },
		"wrong":          apierrors.IsForbidden,
	} {
		header, err := registrytypes.EncodeAuthConfig(registrytypes.AuthConfig{Username: someone.Name, Password: password})
		if err != nil {
			t.Fatal(err)
		}
		post := c.api.RESTClient().Post().Namespace(testserver.Namespace).Resource("containers").SetHeader("X-Registry-Auth", header)
		err = post.Body(from(t, r.Ref("team/tool:v1"), v1alpha1.ContainerPullAlways)).Do(t.Context()).Error()
		if !is(err) {
			t.Errorf("%s: %v", password, err)
		}
	}
}

func TestPullSecretsAreAsThoseOfAPull(t *testing.T) {
	refused := from(t, "127.0.0.1:1/team/tool:v1", "")
	refused.Spec.PullSecrets = []string{"secret"}
	_, err := newClient(t).Create(t.Context(), refused, metav1.CreateOptions{})
	if !apierrors.IsInvalid(err) || !strings.Contains(err.Error(), "spec.pullSecrets[0]") || !strings.Contains(err.Error(), "stands alone") {
		t.Error(err)
	}
}

func TestAClientThatGoesDuringAPullMakesNoContainer(t *testing.T) {
	c, r := newClient(t), registry.Start(t)
	r.Push(t, "team/tool:v1", layer)
	front, gate := r.Front(t), registry.NewGate(1000)
	front.Misbehave(registry.Blobs, gate.Hold)
	ctx, cancel := context.WithCancel(t.Context())
	wanted := from(t, front.Ref("team/tool:v1"), "")
	made := make(chan error, 1)
	go func() {
		_, err := c.Create(ctx, wanted, metav1.CreateOptions{})
		made <- err
	}()
	<-gate.Held()
	cancel()
	<-made
	awaitNoCreate(t)
	gate.Release()
	pulls := c.api.ImagePullRequests(testserver.Namespace)
	listed, err := pulls.List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, pull := range listed.Items {
		if !strings.HasPrefix(pull.Name, wanted.Name) {
			continue
		}
		w, err := pulls.Watch(t.Context(), metav1.ListOptions{FieldSelector: "metadata.name=" + pull.Name})
		if err != nil {
			t.Fatal(err)
		}
		defer w.Stop()
		if _, err := watchtools.UntilWithoutRetry(t.Context(), w, func(e watch.Event) (bool, error) {
			return meta.IsStatusConditionTrue(e.Object.(*v1alpha1.ImagePullRequest).Status.Conditions, v1alpha1.RequestComplete), nil
		}); err != nil {
			t.Error(err)
		}
		if eng.Inspect(t, wanted.Name) != nil {
			t.Error("the container was made")
		}
		return
	}
	t.Error("the pull has not gone on")
}
