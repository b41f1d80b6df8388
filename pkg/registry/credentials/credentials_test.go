// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package credentials

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/registry"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/dockertest"
)

const (
	namespace = "rancher-desktop"
	password  = "hunter2-of-the-registry"
	domain    = "registry.example:5000"
)

func dockerConfig(key, name string) string {
	return fmt.Sprintf(`{"auths":{%q:{"auth":%q}}}`, key, base64.StdEncoding.EncodeToString([]byte(name+":"+password)))
}

func secret(name string, kind corev1.SecretType, content string) *corev1.Secret {
	return &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}, Type: kind,
		Data: map[string][]byte{corev1.DockerConfigJsonKey: []byte(content)}}
}

// requested returns the context of a request of alice with the header, unless that is empty.
func requested(header string) context.Context {
	r := httptest.NewRequest(http.MethodPost, "/", nil)
	if header != "" {
		r.Header.Set(registry.AuthHeader, header)
	}
	ctx := TakeHeader(r).Context()
	return request.WithUser(request.WithNamespace(ctx, namespace), &user.DefaultInfo{Name: "alice"})
}

func encoded(name string) string {
	return Credentials{registry.AuthConfig{Username: name, Password: password}}.Header()
}

// newFinder returns a finder for users who may get the Secrets with names that begin with "my-".
func newFinder(secrets ...*corev1.Secret) Finder {
	client := fake.NewClientset()
	for _, s := range secrets {
		if err := client.Tracker().Add(s); err != nil {
			panic(err)
		}
	}
	return Finder{Secrets: &Secrets{
		Client: client.CoreV1(),
		Rights: authorizer.AuthorizerFunc(func(_ context.Context, a authorizer.Attributes) (authorizer.Decision, string, error) {
			if a.GetUser().GetName() == "alice" && a.GetVerb() == "get" && a.GetResource() == "secrets" && a.GetAPIGroup() == "" &&
				a.GetNamespace() == namespace && strings.HasPrefix(a.GetName(), "my-") {
				return authorizer.DecisionAllow, "", nil
			}
			return authorizer.DecisionNoOpinion, "", nil
		}),
	}}
}

func TestTheFirstCredentialsCount(t *testing.T) {
	home := dockertest.Home(t)
	if err := os.WriteFile(filepath.Join(home, "config.json"), []byte(dockerConfig(domain, "config")), 0o600); err != nil {
		t.Fatal(err)
	}
	finder := newFinder(
		secret("my-other", corev1.SecretTypeDockerConfigJson, dockerConfig("other.example", "other")),
		secret("my-first", corev1.SecretTypeDockerConfigJson, dockerConfig("https://"+domain+"/v2/", "first")),
		secret("my-second", corev1.SecretTypeDockerConfigJson, dockerConfig(domain, "second")),
		secret("my-hub", corev1.SecretTypeDockerConfigJson, dockerConfig("https://index.docker.io/v1/", "hub")),
	)
	for _, test := range []struct {
		header  string
		secrets string
		config  bool
		domain  string
		want    string
	}{
		{encoded("header"), "my-first", true, domain, "header"},
		{"e30=", "my-first", true, domain, "first"},
		{"", "my-other my-first my-second", true, domain, "first"},
		{"", "my-second my-first", true, domain, "second"},
		{"", "my-other", true, domain, "config"},
		{"", "", true, domain, "config"},
		{"", "", false, domain, ""},
		{"", "", true, "docker.io", ""},
		{"", "my-hub", true, "docker.io", "hub"},
	} {
		finder.DockerConfig = test.config
		found, err := finder.Find(requested(test.header), strings.Fields(test.secrets), test.domain)
		if err != nil || found.auth.Username != test.want || test.want != "" && found.auth.Password != password {
			t.Errorf("%+v: %q %v", test, found.auth.Username, err)
		}
	}
}

func TestASecretThatCannotBeUsedIsAnError(t *testing.T) {
	finder := newFinder(
		secret("my-opaque", corev1.SecretTypeOpaque, dockerConfig(domain, "x")),
		secret("my-broken", corev1.SecretTypeDockerConfigJson, password),
		secret("others", corev1.SecretTypeDockerConfigJson, dockerConfig(domain, "x")),
	)
	for name, isRight := range map[string]func(error) bool{
		"my-opaque": apierrors.IsInvalid, "my-broken": apierrors.IsInvalid, "my-none": apierrors.IsInvalid, "others": apierrors.IsForbidden, "none": apierrors.IsForbidden,
	} {
		found, err := finder.Find(requested(""), []string{name}, domain)
		if !isRight(err) || !found.isEmpty() || strings.Contains(err.Error(), password) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := (Finder{}).Find(requested(""), []string{"my-first"}, domain); !apierrors.IsInvalid(err) {
		t.Errorf("without a cluster: %v", err)
	}
}

func TestASecretChoosesNoProgramThatTheServerRuns(t *testing.T) {
	dir := t.TempDir()
	ran := filepath.Join(dir, "ran")
	if err := os.WriteFile(filepath.Join(dir, "docker-credential-evil"), []byte("#!/bin/sh\ntouch "+ran+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	for _, content := range []string{`{"credsStore":"evil"}`, `{"credHelpers":{"` + domain + `":"evil"}}`} {
		finder := newFinder(secret("my-evil", corev1.SecretTypeDockerConfigJson, content))
		if found, err := finder.Find(requested(""), []string{"my-evil"}, domain); err != nil || !found.isEmpty() {
			t.Errorf("%s: %v %v", content, found, err)
		}
	}
	if _, err := os.Stat(ran); !os.IsNotExist(err) {
		t.Error("the server ran the program")
	}
}

func TestTheHeaderIsTakenOutOfTheRequest(t *testing.T) {
	r := httptest.NewRequest(http.MethodPost, "/", nil)
	r.Header.Set("x-registry-auth", encoded("someone"))
	taken := TakeHeader(r)
	if len(r.Header) > 0 || len(taken.Header) > 0 {
		t.Errorf("the header is still there: %v", taken.Header)
	}
	if text := fmt.Sprintf("%v %+v %#v", taken.Context(), taken.Context(), taken.Context()); strings.Contains(text, encoded("someone")) {
		t.Errorf("the context prints as %s", text)
	}
	twice := httptest.NewRequest(http.MethodPost, "/", nil)
	twice.Header.Add(registry.AuthHeader, encoded("someone"))
	twice.Header.Add(registry.AuthHeader, encoded("another"))
	if _, err := (Finder{}).Find(TakeHeader(twice).Context(), nil, domain); !apierrors.IsBadRequest(err) {
		t.Error(err)
	}
}

func TestCredentialsPrintAsAPlaceholder(t *testing.T) {
	found, err := Finder{}.Find(requested(encoded("someone")), nil, domain)
	if err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprintf("%v %+v %#v %s %q", found, found, found, found, []any{found, &found})
	if strings.Contains(text, password) || strings.Contains(text, "someone") {
		t.Error(text)
	}
}

func TestOnlyEqualCredentialsHaveEqualHashes(t *testing.T) {
	hashes := map[string]string{}
	for _, c := range []Credentials{{}, {registry.AuthConfig{Username: "a", Password: "b"}}, {registry.AuthConfig{Username: "b", Password: "a"}}, {registry.AuthConfig{IdentityToken: "a"}}, {registry.AuthConfig{RegistryToken: "a"}}} {
		hash := c.Hash()
		if other, found := hashes[hash]; found || hash != (Credentials{c.auth}).Hash() {
			t.Errorf("%s and %s", other, c.auth.Username)
		}
		hashes[hash] = c.auth.Username
	}
}
