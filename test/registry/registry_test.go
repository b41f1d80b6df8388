// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package registry_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/image"
	dockerregistry "github.com/docker/docker/api/types/registry"

	"github.com/rancher-sandbox/engine-apiserver/test/engine"
	"github.com/rancher-sandbox/engine-apiserver/test/registry"
)

var docker *engine.Engine

func TestMain(m *testing.M) {
	os.Exit(engine.Main(m, &docker, engine.Args("--max-download-attempts", "1")))
}

// pull pulls an image as Docker does, and returns the error in its answer.
func pull(t *testing.T, ref string, user registry.User, platform string) error {
	t.Helper()
	options := image.PullOptions{Platform: platform}
	if user != (registry.User{}) {
		auth, err := dockerregistry.EncodeAuthConfig(dockerregistry.AuthConfig{Username: user.Name, Password: user.Password})
		if err != nil {
			t.Fatal(err)
		}
		options.RegistryAuth = auth
	}
	stream, err := docker.Client().ImagePull(t.Context(), ref, options)
	if err != nil {
		return err
	}
	defer stream.Close()
	for decoder := json.NewDecoder(stream); ; {
		var message struct{ Error string }
		if err := decoder.Decode(&message); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		if message.Error != "" {
			return answered(message.Error)
		}
	}
}

type answered string

func (a answered) Error() string { return string(a) }

// pulled returns what Docker says of a pulled image. The image is removed when the test ends.
func pulled(t *testing.T, ref string) image.InspectResponse {
	t.Helper()
	inspected, err := docker.Client().ImageInspect(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { remove(t, ref) })
	return inspected
}

func remove(t *testing.T, ref string) {
	ctx := context.WithoutCancel(t.Context()) // it has ended when cleanups run
	if _, err := docker.Client().ImageRemove(ctx, ref, image.RemoveOptions{Force: true}); err != nil {
		t.Error(err)
	}
}

func TestDockerPullsWhatWasPushed(t *testing.T) {
	t.Parallel()
	r := registry.Start(t)
	name := "team/tool:v1"
	digest := r.Push(t, name, 1000, 200_000, 3000)
	if err := pull(t, r.Ref(name), registry.User{}, ""); err != nil {
		t.Fatal(err)
	}
	inspected := pulled(t, r.Ref(name))
	if got := len(inspected.RootFS.Layers); got != 3 {
		t.Errorf("the image has %d layers, want 3", got)
	}
	if inspected.Size < 204_000 {
		t.Errorf("the image has %d bytes, want at least those of its layers", inspected.Size)
	}
	if want := r.Ref("team/tool") + "@" + digest.String(); len(inspected.RepoDigests) != 1 || inspected.RepoDigests[0] != want {
		t.Errorf("the digests of the image are %q, want %s", inspected.RepoDigests, want)
	}
	if !r.Has(t, name) || r.Has(t, "team/tool:v2") {
		t.Error("the registry does not know which images it has")
	}
	r.Remove(t, name)
	if r.Has(t, name) {
		t.Error("the registry has an image that was removed")
	}
}

func TestARegistryWithUsersServesNobodyElse(t *testing.T) {
	t.Parallel()
	user, other := registry.User{Name: "jane", Password: "secret"}, registry.User{Name: "joe", Password: "word"}
	r := registry.Start(t, user, other)
	r.Push(t, "private:v1", 100)
	ref := r.Ref("private:v1")
	for _, stranger := range []registry.User{{}, {Name: "jane", Password: "word"}} {
		if err := pull(t, ref, stranger, ""); err == nil {
			t.Errorf("%q may pull", stranger.Name)
		}
	}
	for _, friend := range []registry.User{user, other} {
		if err := pull(t, ref, friend, ""); err != nil {
			t.Errorf("%s may not pull: %v", friend.Name, err)
		}
	}
	pulled(t, ref)
}

func TestAnIndexHasAnImageForEachPlatform(t *testing.T) {
	t.Parallel()
	r := registry.Start(t)
	r.PushIndex(t, "multi:v1", "linux/"+runtime.GOARCH, "linux/s390x", "linux/arm/v7")
	for platform, want := range map[string]string{"": runtime.GOARCH, "linux/s390x": "s390x", "linux/arm/v7": "arm"} {
		if err := pull(t, r.Ref("multi:v1"), registry.User{}, platform); err != nil {
			t.Fatal(err)
		}
		inspected, err := docker.Client().ImageInspect(t.Context(), r.Ref("multi:v1"))
		if err != nil {
			t.Fatal(err)
		}
		if inspected.Architecture != want {
			t.Errorf("the image for %q is of %s", platform, inspected.Architecture)
		}
		remove(t, r.Ref("multi:v1"))
	}
	if err := pull(t, r.Ref("multi:v1"), registry.User{}, "linux/riscv64"); err == nil {
		t.Error("there is an image for a platform that the index does not have")
	}
}

func TestARegistryMisbehavesAsItIsTold(t *testing.T) {
	t.Parallel()
	r := registry.Start(t)
	for _, test := range []struct {
		name, words string // some of Docker's
		what        func(*http.Request) bool
		fault       registry.Fault
	}{
		{"500", "500 Internal Server Error", registry.Manifests, registry.Status(http.StatusInternalServerError)},
		{"429", "status 429", registry.Manifests, registry.Status(http.StatusTooManyRequests)},
		{"cut off in a layer", "EOF", registry.Blobs, registry.CutOff(10_000)},
		{"wrong content", "", registry.Blobs, registry.WrongContent()},
		{"wrong manifest", "", registry.Manifests, registry.WrongContent()},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			name := engine.UniqueName("bad")
			r.Push(t, name, 50_000)
			front := r.Front(t)
			ref := front.Ref(name)
			front.Misbehave(test.what, test.fault)
			if err := pull(t, ref, registry.User{}, ""); err == nil || !strings.Contains(err.Error(), test.words) {
				t.Errorf("the pull ends with %v, want %q", err, test.words)
			}
			front.Behave()
			if err := pull(t, ref, registry.User{}, ""); err != nil {
				t.Errorf("the pull from a registry that behaves again: %v", err)
			}
			pulled(t, ref)
		})
	}
}

func TestASlowRegistrySendsEverything(t *testing.T) {
	t.Parallel()
	r := registry.Start(t)
	r.Push(t, "slow:v1", 50_000)
	front := r.Front(t)
	front.Misbehave(registry.Everything, registry.Slow(1_000_000))
	if err := pull(t, front.Ref("slow:v1"), registry.User{}, ""); err != nil {
		t.Fatal(err)
	}
	pulled(t, front.Ref("slow:v1"))
}

func TestALayerThatIsHeldBackArrivesLater(t *testing.T) {
	t.Parallel()
	r := registry.Start(t)
	r.Push(t, "held:v1", 50_000)
	front := r.Front(t)
	gate, ended := registry.NewGate(10_000), make(chan error, 1)
	front.Misbehave(registry.Blobs, gate.Hold)
	go func() { ended <- pull(t, front.Ref("held:v1"), registry.User{}, "") }()
	select {
	case err := <-ended:
		t.Fatalf("the pull ended before its layer had arrived: %v", err)
	case <-gate.Held():
	}
	gate.Release()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	pulled(t, front.Ref("held:v1"))
}
