// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package plugin_test

import (
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/image"

	"github.com/rancher-sandbox/engine-apiserver/test/engine"
	"github.com/rancher-sandbox/engine-apiserver/test/kubectl"
	"github.com/rancher-sandbox/engine-apiserver/test/registry"
)

const (
	small = 1 << 10
	large = 4 << 20
)

// untag removes a tag from the engine, if it is there.
func untag(t *testing.T, tag string) {
	t.Helper()
	if !hasImage(t, tag) {
		return
	}
	if _, err := docker.Client().ImageRemove(t.Context(), tag, image.RemoveOptions{Force: true}); err != nil {
		t.Fatal(err)
	}
}

func TestPullPrintsDockersLines(t *testing.T) {
	r := registry.Start(t)
	digest := r.Push(t, "team/tool:v1", small, small)
	tag := r.Ref("team/tool:v1")
	lines := strings.Split(strings.TrimSpace(ok(t, "pull", tag)), "\n")
	if first := "v1: Pulling from team/tool"; lines[0] != first {
		t.Errorf("%q does not begin with %s", lines, first)
	}
	if got := strings.Count(strings.Join(lines, "\n"), ": Pull complete"); got != 2 {
		t.Errorf("%q has the end of %d layers", lines, got)
	}
	want := []string{"Digest: " + digest.String(), "Status: Downloaded newer image for " + tag, tag}
	if got := lines[len(lines)-3:]; strings.Join(got, "\n") != strings.Join(want, "\n") || !hasImage(t, tag) {
		t.Errorf("%q does not end with %q", lines, want)
	}
	again := "v1: Pulling from team/tool\nDigest: " + digest.String() + "\nStatus: Image is up to date for " + tag + "\n" + tag + "\n"
	if got := ok(t, "image", "pull", tag); got != again {
		t.Errorf("%q, want %q", got, again)
	}
	if got := ok(t, "pull", "-q", tag); got != tag+"\n" {
		t.Errorf("%q", got)
	}
	byDigest := r.Ref("team/tool") + "@" + digest.String()
	if got := ok(t, "pull", "-q", byDigest); got != byDigest+"\n" {
		t.Errorf("%q", got)
	}
}

func TestPullSaysThatItTakesTheTagLatest(t *testing.T) {
	r := registry.Start(t)
	r.Push(t, "tool:latest", small)
	if got := ok(t, "pull", r.Ref("tool")); !strings.HasPrefix(got, "Using default tag: latest\nlatest: Pulling from tool\n") {
		t.Errorf("%q", got)
	}
}

func TestPullTakesThePlatformOfTheFlagOrOfDockersVariable(t *testing.T) {
	r := registry.Start(t)
	r.PushIndex(t, "team/tool:v1", "linux/amd64", "linux/arm64")
	tag := r.Ref("team/tool:v1")
	architecture := func() string {
		inspected, err := docker.Client().ImageInspect(t.Context(), tag)
		if err != nil {
			t.Fatal(err)
		}
		return inspected.Architecture
	}
	ok(t, "pull", "-q", "--platform", "linux/arm64", tag)
	if got := architecture(); got != "arm64" {
		t.Errorf("the image is for %s", got)
	}
	t.Setenv("DOCKER_DEFAULT_PLATFORM", "linux/amd64")
	ok(t, "pull", "-q", tag)
	if got := architecture(); got != "amd64" {
		t.Errorf("the image is for %s", got)
	}
	fails(t, []string{"cannot pull " + tag, "linux/s390x"}, "pull", "-q", "--platform", "linux/s390x", tag)
}

func TestAPullThatFailsIsOneLineWithDockersWords(t *testing.T) {
	r := registry.Start(t)
	r.Push(t, "team/tool:v1", small)
	front := r.Front(t)
	front.Misbehave(registry.Blobs, registry.WrongContent())
	for name, words := range map[string][]string{
		r.Ref("team/tool:v2"):       {"not found"},
		r.Ref("team/absent:v1"):     {"not found"},
		"127.0.0.1:1/team/tool:v1":  {"connection refused"},
		front.Ref("team/tool:v1"):   {"verification failed"},
		"localhost:5000/team/tool:": {"invalid reference format"},
	} {
		fails(t, words, "pull", "-q", name)
	}
	fails(t, []string{`namespaces "other" not found: the container engine is in the namespace "rancher-desktop"`}, "pull", "-q", "-n", "other", r.Ref("team/tool:v1"))
}

func TestPushPrintsDockersLines(t *testing.T) {
	r := registry.Start(t)
	name := engine.UniqueName("tool")
	docker.Image(t, name)
	tag := r.Ref("team/" + name + ":v1")
	docker.Tag(t, name, tag)
	got := ok(t, "push", tag)
	kubectl.Contains(t, got, "The push refers to repository ["+r.Ref("team/"+name)+"]\n", ": Pushed\n", "v1: digest: sha256:")
	if !r.Has(t, "team/"+name+":v1") {
		t.Error("the registry does not have the image")
	}
	docker.Tag(t, name, r.Ref(name+":latest"))
	if got := ok(t, "image", "push", "-q", r.Ref(name)); got != r.Ref(name)+":latest\n" || !r.Has(t, name+":latest") {
		t.Errorf("%q", got)
	}
	fails(t, []string{"cannot push " + r.Ref("absent:latest")}, "push", "-q", r.Ref("absent"))
}

// login writes a docker configuration with the credentials of a user for a registry.
func login(t *testing.T, r *registry.Registry, user registry.User) {
	t.Helper()
	directory := t.TempDir()
	auth := base64.StdEncoding.EncodeToString([]byte(user.Name + ":" + user.Password))
	if err := os.WriteFile(filepath.Join(directory, "config.json"), fmt.Appendf(nil, `{"auths":{%q:{"auth":%q}}}`, r.Address(), auth), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("DOCKER_CONFIG", directory)
}

func TestCredentialsComeFromTheUsersDockerConfigurationAndAreNeverPrinted(t *testing.T) {
	someone := registry.User{Name: "someone", Password: "a-very-secret-word"}
	r := registry.Start(t, someone)
	r.Push(t, "team/tool:v1", small)
	tag := r.Ref("team/tool:v1")
	secretless := func(arguments ...string) result {
		printed := run(t, arguments...)
		for _, secret := range []string{someone.Password, base64.StdEncoding.EncodeToString([]byte(someone.Name + ":" + someone.Password))} {
			if strings.Contains(printed.stdout+printed.stderr, secret) {
				t.Errorf("%q: %+v", arguments, printed)
			}
		}
		return printed
	}
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	fails(t, []string{"cannot pull " + tag, "no basic auth credentials"}, "pull", "-q", tag)

	login(t, r, registry.User{Name: someone.Name, Password: "guessed"})
	if printed := secretless("pull", "-q", tag); printed.code != 1 || strings.Count(printed.stderr, "\n") != 1 || strings.Contains(printed.stderr, "guessed") {
		t.Errorf("%+v", printed)
	}
	login(t, r, someone)
	if printed := secretless("pull", tag); printed.code != 0 || !hasImage(t, tag) {
		t.Errorf("%+v", printed)
	}
	if printed := secretless("push", tag); printed.code != 0 {
		t.Errorf("%+v", printed)
	}
	for _, kind := range []string{"imagepullrequests", "imagepushrequests"} {
		stdout, stderr, err := kubectl.Capture(command(t, kubectl.Any(t, server.Kubeconfig), "get", kind, "-o", "yaml", "-v", "9"))
		if err != nil || strings.Contains(stdout+stderr, someone.Password) {
			t.Errorf("%v %s", err, stdout)
		}
	}
	untag(t, tag)
}
