// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package transfers

import (
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/rest"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/test/registry"
	"github.com/rancher-sandbox/engine-apiserver/test/testserver"
)

const (
	small = 1000
	large = 1 << 20
)

func TestAPullGetsTheImageAndSaysWhatItIs(t *testing.T) {
	c, r := of(t), registry.Start(t)
	digest := r.Push(t, "team/tool:v1", small, large, small).String()
	ref := r.Ref("team/tool:v1")
	created := c.mustPull(t, pullOf(ref), "")
	if created.Status.StartTime == nil || created.UID == "" || !strings.HasPrefix(created.Name, "pull-") {
		t.Errorf("%+v", created)
	}
	request := c.complete(t, created.Name)
	status := request.Status
	inspected, err := eng.Client().ImageInspect(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	if status.Digest != digest || status.ImageID != inspected.ID || status.Image != strings.ReplaceAll(ref, "/", "~") ||
		!strings.Contains(status.Message, "Downloaded newer image") || status.CompletionTime == nil {
		t.Errorf("%+v", status)
	}
	if len(status.Layers) != 3 || status.CurrentBytes < large || status.CurrentBytes != status.TotalBytes {
		t.Errorf("%+v", status)
	}
	for _, layer := range status.Layers {
		if layer.Phase != "Pull complete" || layer.Current != layer.Total {
			t.Errorf("%+v", layer)
		}
	}
}

func TestAnErrorAfter200IsFailed(t *testing.T) {
	c, r := of(t), registry.Start(t)
	r.Push(t, "team/tool:v1", large)
	r.PushIndex(t, "team/index:v1", "linux/s390x")
	front := r.Front(t)
	front.Misbehave(registry.Blobs, registry.WrongContent())
	for _, test := range []struct{ ref, platform, reason, words string }{
		{r.Ref("team/tool:v2"), "", v1alpha1.RequestNotFound, "manifest"},
		{r.Ref("team/none"), "", v1alpha1.RequestNotFound, ""},
		{r.Ref("team/index:v1"), "linux/arm64", v1alpha1.RequestNotFound, "no matching manifest"},
		{front.Ref("team/tool:v1"), "", v1alpha1.RequestFailedOtherwise, ""},
		{"127.0.0.1:1/team/tool:v1", "", v1alpha1.RequestFailedOtherwise, "connection refused"},
	} {
		request := pullOf(test.ref)
		request.Spec.Platform = test.platform
		failed := c.fails(t, c.mustPull(t, request, "").Name, test.reason)
		if !strings.Contains(failed.Status.Message, test.words) {
			t.Errorf("%s: %s", test.ref, failed.Status.Message)
		}
		log := c.log(t, failed.Name, "")
		if !strings.HasSuffix(strings.TrimSpace(log), failed.Status.Message) {
			t.Errorf("the log does not end with the error %q: %s", failed.Status.Message, log)
		}
	}
}

// log returns the log of a pull.
func (c *client) log(t *testing.T, name, query string) string {
	t.Helper()
	log, err := c.logOf(t, name, query)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	text, err := io.ReadAll(log)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func (c *client) logOf(t *testing.T, name, query string) (io.ReadCloser, error) {
	t.Helper()
	get := c.Get().Namespace(testserver.Namespace).Resource("imagepullrequests").Name(name).SubResource("log")
	for parameter := range strings.FieldsSeq(query) {
		key, value, _ := strings.Cut(parameter, "=")
		get.Param(key, value)
	}
	return get.Stream(t.Context())
}

func TestTheClientGoesAndThePullGoesOn(t *testing.T) {
	r := registry.Start(t)
	r.Push(t, "team/tool:v1", large)
	front, gate := r.Front(t), registry.NewGate(small)
	front.Misbehave(registry.Blobs, gate.Hold)

	config := server.Config(t)
	connections, err := rest.HTTPClientFor(config)
	if err != nil {
		t.Fatal(err)
	}
	created := newClient(t, config).mustPull(t, pullOf(front.Ref("team/tool:v1")), "")
	connections.CloseIdleConnections()
	<-gate.Held()
	gate.Release()
	of(t).complete(t, created.Name)
}

func TestAReferenceByDigestIsPulled(t *testing.T) {
	c, r := of(t), registry.Start(t)
	digest := r.Push(t, "team/tool:v1", small).String()
	request := c.complete(t, c.mustPull(t, pullOf(r.Ref("team/tool@"+digest)), "").Name)
	if request.Status.Digest != digest || request.Status.Image != request.Status.ImageID || request.Status.ImageID == "" {
		t.Errorf("%+v", request.Status)
	}
}

func TestAnImageThatIsThereCompletesAtOnce(t *testing.T) {
	c, r := of(t), registry.Start(t)
	digest := r.Push(t, "team/tool:v1", small).String()
	front := r.Front(t)
	ref := front.Ref("team/tool:v1")
	ifNotPresent := pullOf(ref)
	ifNotPresent.Spec.Policy = v1alpha1.ImagePullIfNotPresent
	c.complete(t, c.mustPull(t, ifNotPresent, "").Name) // it is not there yet

	front.Misbehave(registry.Everything, registry.Status(http.StatusInternalServerError))
	created := c.mustPull(t, ifNotPresent, "")
	if !isFinished(created) || created.Status.Digest != digest || created.Status.ImageID == "" || created.Status.Image != strings.ReplaceAll(ref, "/", "~") {
		t.Errorf("%+v", created.Status)
	}
	other := ifNotPresent.DeepCopy()
	other.Spec.Platform = "linux/s390x" // the engine has the image, but not for this platform
	c.fails(t, c.mustPull(t, other, "").Name, v1alpha1.RequestFailedOtherwise)
}

func TestADeletionCancelsThePull(t *testing.T) {
	c, r := of(t), registry.Start(t)
	r.Push(t, "team/tool:v1", 16*large)
	front, ended := r.Front(t), make(chan struct{})
	// Old engines notice that a pull has ended only when something more arrives.
	slow := registry.Slow(large / 4)
	front.Misbehave(registry.Blobs, func(w http.ResponseWriter, request *http.Request, registry http.Handler) {
		isWhole := false
		defer func() {
			if !isWhole {
				close(ended)
			}
		}()
		slow(w, request, registry)
		isWhole = request.Context().Err() == nil
	})
	created := c.mustPull(t, pullOf(front.Ref("team/tool:v1")), "")
	w := follow(t, created.Name, created.ResourceVersion, c.pulls.Watch)
	log, err := c.logOf(t, created.Name, "follow=true")
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	c.until(t, created.Name, func(request *v1alpha1.ImagePullRequest) bool { return request.Status.CurrentBytes > 0 })
	if err := c.pulls.Delete(t.Context(), created.Name, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	<-ended
	for event := range w.ResultChan() {
		if event.Type == watch.Deleted {
			break
		}
	}
	if _, err := c.pulls.Get(t.Context(), created.Name, metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		t.Error(err)
	}
	if text, err := io.ReadAll(log); err != nil || !strings.HasSuffix(string(text), "the request was deleted\n") {
		t.Errorf("%s %v", text, err)
	}
}

func TestThePullsOfOneImageShareOneDockerPull(t *testing.T) {
	c, r := of(t), registry.Start(t)
	r.Push(t, "team/tool:v1", large)
	front, gate := r.Front(t), registry.NewGate(small)
	var pulls atomic.Int64
	front.Misbehave(func(*http.Request) bool { return true }, func(w http.ResponseWriter, request *http.Request, registry http.Handler) {
		switch {
		case strings.HasSuffix(request.URL.Path, "/manifests/v1"):
			pulls.Add(1)
			registry.ServeHTTP(w, request)
		case strings.Contains(request.URL.Path, "/blobs/"):
			gate.Hold(w, request, registry)
		default:
			registry.ServeHTTP(w, request)
		}
	})
	first := c.mustPull(t, pullOf(front.Ref("team/tool:v1")), "")
	<-gate.Held()
	asked := pulls.Load()
	second := c.mustPull(t, pullOf(front.Ref("team/tool:v1")), "")
	third := c.mustPull(t, pullOf(front.Ref("team/tool:v1")), "")
	if err := c.pulls.Delete(t.Context(), first.Name, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	gate.Release()
	for _, request := range []*v1alpha1.ImagePullRequest{second, third} {
		if done := c.complete(t, request.Name); len(done.Status.Layers) != 1 {
			t.Errorf("%+v", done.Status)
		}
	}
	if now := pulls.Load(); now != asked {
		t.Errorf("the registry was asked %d times, and %d times before the others came", now, asked)
	}
}

func TestADryRunOfAPullPullsNothing(t *testing.T) {
	c, r := of(t), registry.Start(t)
	front := r.Front(t)
	var asked atomic.Int64
	front.Misbehave(registry.Everything, func(http.ResponseWriter, *http.Request, http.Handler) { asked.Add(1) })
	dry, err := c.pulls.Create(t.Context(), pullOf(front.Ref("team/tool:v1")), metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
	if err != nil || dry.Spec.Policy != v1alpha1.ImagePullAlways {
		t.Fatalf("%+v %v", dry, err)
	}
	if _, err := c.pulls.Get(t.Context(), dry.Name, metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		t.Error(err)
	}
	if asked.Load() > 0 {
		t.Error("the registry was asked")
	}
}

func TestARequestHasAnyNameThatCanBeASegmentOfAPath(t *testing.T) {
	c, r := of(t), registry.Start(t)
	r.Push(t, "team/tool:v1", small)
	named := pullOf(r.Ref("team/tool:v1"))
	named.GenerateName, named.Name = "", "image-push-127.0.0.1:5000~team~tool:v2-x7k2p"
	c.mustPull(t, named, "")
	c.complete(t, named.Name)
	if _, err := c.pull(t, named, ""); !apierrors.IsAlreadyExists(err) {
		t.Errorf("the same name again: %v", err)
	}
	generated := pullOf(r.Ref("team/tool:v1"))
	generated.GenerateName = "image-pull-" + strings.ReplaceAll(r.Ref("a-team-with-a-name-that-is-very-long-indeed/and-a-tool:v1"), "/", "~") + "-"
	if created := c.mustPull(t, generated, ""); len(created.Name) != len(generated.GenerateName)+5 || !strings.HasPrefix(created.Name, generated.GenerateName) {
		t.Errorf("the name %q for %q", created.Name, generated.GenerateName)
	}
	for _, name := range []string{"a/b", "..", "a%b"} {
		wrong := pullOf(r.Ref("team/tool:v1"))
		wrong.Name = name
		if _, err := c.pull(t, wrong, ""); !apierrors.IsInvalid(err) {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestTheLogHasDockersOwnMessages(t *testing.T) {
	c, r := of(t), registry.Start(t)
	digest := r.Push(t, "team/tool:v1", small).String()
	created := c.mustPull(t, pullOf(r.Ref("team/tool:v1")), "")
	text := c.log(t, created.Name, "follow=true")
	if !strings.HasPrefix(text, "v1: Pulling from team/tool\n") || !strings.Contains(text, ": Pull complete\nDigest: "+digest+"\nStatus: Downloaded newer image for ") {
		t.Errorf("the text %s", text)
	}
	messages := c.log(t, created.Name, "format=json")
	if !strings.HasPrefix(messages, `{"status":"Pulling from team/tool","id":"v1"}`+"\n") || !strings.Contains(messages, `{"status":"Digest: `+digest+`"}`+"\n") {
		t.Errorf("the messages %s", messages)
	}
	for query, isRight := range map[string]func(error) bool{"format=yaml": apierrors.IsInvalid, "tail=1": apierrors.IsBadRequest} {
		if log, err := c.logOf(t, created.Name, query); !isRight(err) {
			t.Errorf("%s: %v %v", query, log, err)
		}
	}
	if _, err := c.logOf(t, "none", ""); !apierrors.IsNotFound(err) {
		t.Error(err)
	}
}
