// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package transfers

import (
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/docker/cli/cli/config"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/test/registry"
)

func TestWrongCredentialsDoNotShareThePullOfRightOnes(t *testing.T) {
	c, r := of(t), registry.Start(t, someone)
	r.Push(t, "team/tool:v1", large)
	front, gate := r.Front(t), registry.NewGate(small)
	front.Misbehave(registry.Blobs, gate.Hold)
	ref := front.Ref("team/tool:v1")
	right := c.mustPull(t, pullOf(ref), header(t, someone))
	<-gate.Held()
	wrong := c.mustPull(t, pullOf(ref), header(t, registry.User{Name: someone.Name, Password: "guessed"}))
	none := c.mustPull(t, pullOf(ref), "")
	c.fails(t, wrong.Name, v1alpha1.RequestUnauthorized)
	c.fails(t, none.Name, v1alpha1.RequestUnauthorized)
	gate.Release()
	c.complete(t, right.Name)
}

func TestCredentialsThatDockerWouldIgnoreAreRefused(t *testing.T) {
	c := of(t)
	for _, wrong := range []string{"someone:" + someone.Password, "e30=e30=", base64.StdEncoding.EncodeToString([]byte(someone.Password)), base64.StdEncoding.EncodeToString([]byte(`{"username":1}`))} {
		_, err := c.pull(t, pullOf("127.0.0.1:1/team/tool:v1"), wrong)
		if !apierrors.IsBadRequest(err) || !strings.Contains(err.Error(), "X-Registry-Auth") || strings.Contains(err.Error(), someone.Password) {
			t.Errorf("%s: %v", wrong, err)
		}
	}
}

func TestCredentialsCountInEveryFormOfBase64(t *testing.T) {
	c, r := of(t), registry.Start(t, someone)
	r.Push(t, "team/tool:v1", small)
	// The text makes the two alphabets differ, and needs padding.
	text := fmt.Appendf(nil, `{"username":%q,"password":%q,"email":"?>?>~~"}`, someone.Name, someone.Password)
	for _, encoding := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding, base64.RawStdEncoding, base64.RawURLEncoding} {
		c.complete(t, c.mustPull(t, pullOf(r.Ref("team/tool:v1")), encoding.EncodeToString(text)).Name)
	}
}

func TestTheDockerConfigurationOfTheServersUserCountsIfARequestBringsNoCredentials(t *testing.T) {
	c, r := of(t), registry.Start(t, someone)
	r.Push(t, "team/tool:v1", small)
	file := filepath.Join(config.Dir(), "config.json")
	auth := base64.StdEncoding.EncodeToString([]byte(someone.Name + ":" + someone.Password))
	if err := os.WriteFile(file, fmt.Appendf(nil, `{"auths":{%q:{"auth":%q}}}`, r.Address(), auth), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Remove(file) })
	c.complete(t, c.mustPull(t, pullOf(r.Ref("team/tool:v1")), "").Name)
	c.complete(t, c.mustPull(t, pullOf(r.Ref("team/tool:v1")), base64.URLEncoding.EncodeToString([]byte("{}"))).Name)
	c.fails(t, c.mustPull(t, pullOf(r.Ref("team/tool:v1")), header(t, registry.User{Name: "someone", Password: "guessed"})).Name, v1alpha1.RequestUnauthorized)
}

func TestPullSecretsNeedACluster(t *testing.T) {
	request := pullOf("127.0.0.1:1/team/tool:v1")
	request.Spec.PullSecrets = []string{"mine"}
	if _, err := of(t).pull(t, request, ""); !apierrors.IsInvalid(err) || !strings.Contains(err.Error(), "spec.pullSecrets[0]") {
		t.Error(err)
	}
}
