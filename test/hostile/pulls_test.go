// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package hostile

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

func pullBody(metadata, spec string) string {
	return fmt.Sprintf(`{"apiVersion":"containers.rancherdesktop.io/v1alpha1","kind":"ImagePullRequest","metadata":{%s},"spec":{%s}}`, metadata, spec)
}

func TestAPullThatMakesNoSenseIsRefused(t *testing.T) {
	f := start(t)
	path := namespace + "/imagepullrequests?fieldValidation=Strict"
	const name, image = `"name":"x"`, `"repoTag":"127.0.0.1:1/team/tool:v1"`
	for _, spec := range []string{
		``, `"repoTag":""`, `"repoTag":"../containers/x"`, `"repoTag":"Team"`, `"repoTag":"a b"`, `"repoTag":"a\nb"`, `"repoTag":"a?fromSrc=-"`, `"repoTag":"a&tag=b"`,
		`"repoTag":"a:b:c"`, `"repoTag":"a@sha256:1"`, `"repoTag":"http://127.0.0.1/a"`, `"repoTag":"` + strings.Repeat("a", 10_000) + `"`, `"repoTag":"` + strings.Repeat("a/", 5_000) + `a"`,
		image + `,"platform":"linux amd64"`, image + `,"platform":"../x"`, image + `,"platform":"linux&tag=x"`, image + `,"policy":"Never"`, image + `,"policy":"always"`,
		image + `,"namespace":"other"`, image + `,"pullSecrets":["../x"]`, image + `,"pullSecrets":["x"]`, image + `,"activeDeadlineSeconds":0`, image + `,"activeDeadlineSeconds":-1`,
		image + `,"activeDeadlineSeconds":9223372036854775807`, image + `,"ttlSecondsAfterFinished":0`, image + `,"ttlSecondsAfterFinished":59`, image + `,"ttlSecondsAfterFinished":-2147483648`,
	} {
		f.refuse(t, request{method: http.MethodPost, path: path, body: pullBody(name, spec)}, http.StatusUnprocessableEntity)
	}
	for _, spec := range []string{
		`"repoTag":1`, `"repoTag":{}`, image + `,"platform":1`, image + `,"pullSecrets":"x"`, image + `,"pullSecrets":[{"name":"x"}]`, image + `,"ttlSecondsAfterFinished":"60"`,
		image + `,"ttlSecondsAfterFinished":4294967296`, image + `,"activeDeadlineSeconds":1.5`, image + `,"nosuch":1`, image + `,` + image, image + `,"repotag":"x"`,
	} {
		f.refuse(t, request{method: http.MethodPost, path: path, body: pullBody(name, spec)}, http.StatusBadRequest)
	}
	for _, metadata := range []string{``, `"name":""`, `"name":"a/b"`, `"name":".."`, `"name":"a%b"`, `"generateName":"a/"`, name + `,"finalizers":["a/b"]`, name + `,"labels":{"a b":"c"}`} {
		f.refuse(t, request{method: http.MethodPost, path: path, body: pullBody(metadata, image)}, http.StatusUnprocessableEntity, http.StatusBadRequest)
	}
	f.refuse(t, request{method: http.MethodPost, path: path, body: pullBody(name+`,"namespace":"other"`, image)}, http.StatusBadRequest)
	f.refuse(t, request{method: http.MethodPost, path: group + "/namespaces/other/imagepullrequests", body: pullBody(name, image)}, http.StatusNotFound)
	f.refuse(t, request{method: http.MethodPost, path: namespace + "/imagepushrequests", body: pullBody(name, image)}, http.StatusBadRequest)
	f.refuse(t, request{method: http.MethodPut, path: namespace + "/imagepullrequests/x", body: pullBody(name, image)}, http.StatusMethodNotAllowed)
	f.refuse(t, request{method: http.MethodPatch, path: namespace + "/imagepullrequests/x", contentType: mergePatch, body: "{}"}, http.StatusMethodNotAllowed)
}

func TestAPushThatMakesNoSenseIsRefused(t *testing.T) {
	f := start(t)
	for _, image := range []string{"", "team/tool:v1", "..", "a b", "sha256:" + strings.Repeat("a", 64), "a@sha256:" + strings.Repeat("a", 64), "A", "..~containers~x", strings.Repeat("a~", 5_000) + "a"} {
		body := fmt.Sprintf(`{"apiVersion":"containers.rancherdesktop.io/v1alpha1","kind":"ImagePushRequest","metadata":{"name":"x"},"spec":{"imageRef":%q}}`, image)
		f.refuse(t, request{method: http.MethodPost, path: namespace + "/imagepushrequests", body: body}, http.StatusUnprocessableEntity)
	}
}
