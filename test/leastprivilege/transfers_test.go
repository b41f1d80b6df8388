// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package leastprivilege

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/image"
	"github.com/docker/docker/client"
	"k8s.io/client-go/rest"

	"github.com/rancher-sandbox/engine-apiserver/test/engine"
	"github.com/rancher-sandbox/engine-apiserver/test/registry"
)

// usePullsAndPushes pulls an image and pushes it back.
func usePullsAndPushes(t *testing.T, config *rest.Config) {
	t.Helper()
	r := registry.Start(t)
	r.Push(t, "team/tool:v1", 100)
	pull := fmt.Sprintf(`{"metadata":{"name":"pull"},"spec":{"repoTag":%q,"platform":"linux/%s"}}`, r.Ref("team/tool:v1"), runtime.GOARCH)
	push := fmt.Sprintf(`{"metadata":{"name":"push"},"spec":{"imageRef":%q}}`, strings.ReplaceAll(r.Ref("team/tool:v1"), "/", "~"))
	removeAfter(t, r.Ref("team/tool:v1"))
	for _, use := range []struct{ resource, name, body string }{{"imagepullrequests", "pull", pull}, {"imagepushrequests", "push", push}} {
		path := namespace + "/" + use.resource
		must(t, config, http.StatusCreated, http.MethodPost, path, use.body)
		must(t, config, http.StatusOK, http.MethodGet, path+"/"+use.name+"/log?follow=true", "")
		if finished := must(t, config, http.StatusOK, http.MethodGet, path+"/"+use.name, ""); !strings.Contains(finished, `"type":"Complete"`) {
			t.Fatal(finished)
		}
	}
}

func removeAfter(t *testing.T, ref string) {
	t.Helper()
	t.Cleanup(func() {
		if _, err := eng.Client().ImageRemove(context.WithoutCancel(t.Context()), ref, image.RemoveOptions{Force: true}); err != nil {
			t.Error(err)
		}
	})
}

func TestCredentialsForRegistriesAreNowhere(t *testing.T) {
	const secret = "hunter2-of-the-registry"
	someone := registry.User{Name: "someone", Password: secret}
	r := registry.Start(t, someone)
	r.Push(t, "team/tool:v1", 100)
	ref := r.Ref("team/tool:v1")
	removeAfter(t, ref)
	right := base64.URLEncoding.EncodeToString(fmt.Appendf(nil, `{"username":"someone","password":%q}`, secret))
	wrong := base64.URLEncoding.EncodeToString(fmt.Appendf(nil, `{"username":"another","password":%q}`, secret))
	broken := base64.URLEncoding.EncodeToString(fmt.Appendf(nil, `{"username":"someone","password":%q`, secret))

	server := startProcess(t)
	said := map[string]string{}
	pulls, pushes := namespace+"/imagepullrequests", namespace+"/imagepushrequests"
	for name, credentials := range map[string]string{"right": right, "wrong": wrong, "broken": broken} {
		body := fmt.Sprintf(`{"metadata":{"name":%q},"spec":{"repoTag":%q}}`, name, ref)
		_, said[name] = ask(t, server.config, http.MethodPost, pulls, body, "X-Registry-Auth: "+credentials)
	}
	tell := func(path string) { _, said[path] = ask(t, server.config, http.MethodGet, path, "") }
	for _, name := range []string{"right", "wrong"} {
		tell(pulls + "/" + name + "/log?follow=true&format=json")
		tell(pulls + "/" + name)
	}
	body := fmt.Sprintf(`{"metadata":{"name":"right"},"spec":{"imageRef":%q}}`, strings.ReplaceAll(ref, "/", "~"))
	_, said["push"] = ask(t, server.config, http.MethodPost, pushes, body, "X-Registry-Auth: "+right)
	tell(pushes + "/right/log?follow=true&format=json")
	for _, path := range append(debugging, pulls, pushes, pulls+"?watch=true&timeoutSeconds=1", namespace+"/images") {
		tell(path)
	}
	for name, want := range map[string]string{pulls + "/right": `"reason":"Complete"`, pulls + "/wrong": `"reason":"Unauthorized"`, "broken": "X-Registry-Auth", pushes: `"reason":"Complete"`} {
		if !strings.Contains(said[name], want) {
			t.Errorf("%s: there is no %s in %s", name, want, said[name])
		}
	}
	used := engine.UniqueName("used")
	eng.Create(t, used, engine.FromImage(ref))
	_, inContainer, err := eng.Client().ContainerInspectWithRaw(t.Context(), used, true)
	if err != nil {
		t.Fatal(err)
	}
	var inImage bytes.Buffer
	if _, err := eng.Client().ImageInspect(t.Context(), ref, client.ImageInspectWithRawResponse(&inImage)); err != nil {
		t.Fatal(err)
	}
	said["docker container inspect"], said["docker image inspect"] = string(inContainer), inImage.String()
	said["the log"] = server.stop(t)
	audit, err := os.ReadFile(server.auditLog)
	if err != nil {
		t.Fatal(err)
	}
	said["the audit log"] = string(audit)
	if !strings.Contains(said["the audit log"], ref) || !strings.Contains(said["the log"], "imagepullrequests") {
		t.Error("the logs do not mention the pulls")
	}
	for source, text := range said {
		for _, hidden := range []string{secret, right, wrong, broken} {
			if i := strings.Index(text, hidden); i >= 0 {
				t.Errorf("%s contains credentials: …%s…", source, text[max(0, i-200):min(len(text), i+100)])
			}
		}
	}
}
