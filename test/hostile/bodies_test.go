// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package hostile

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

func (f *fixture) containerPath() string { return namespace + "/containers/" + f.container }

func (f *fixture) patch(contentType, body string) request {
	return request{method: http.MethodPatch, path: f.containerPath(), contentType: contentType, body: body}
}

func (f *fixture) put(body string) request {
	return request{method: http.MethodPut, path: f.containerPath(), body: body}
}

// mergeAndPut returns the same change twice, as a merge patch and as a replacement.
func (f *fixture) mergeAndPut(metadata, spec string) []request {
	if metadata != "" {
		metadata = "," + metadata
	}
	object := fmt.Sprintf(`{"apiVersion":"containers.rancherdesktop.io/v1alpha1","kind":"Container","metadata":{"name":%q,"namespace":"rancher-desktop"%s},"spec":{%s}}`,
		f.container, metadata, spec)
	return []request{f.patch(mergePatch, object), f.put(object)}
}

func TestBodiesThatAreNoneAreRefused(t *testing.T) {
	f := start(t)
	for _, body := range []string{
		"", " ", "{", "}", "[]", "null", "0", `"x"`, "true", "{]", `{"a"`, `{"kind":}`, "\x00", "\xff\xfe", "---", ": :", "{{", "\t- a\n b",
		`{}`, `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"x"}}`, `{"apiVersion":"containers.rancherdesktop.io/v1","kind":"Container"}`,
		`{"apiVersion":"containers.rancherdesktop.io/v1alpha1","kind":"Volume","metadata":{"name":"x"}}`,
		`{"apiVersion":"containers.rancherdesktop.io/v1alpha1","kind":"ContainerList","items":[]}`,
		`{"apiVersion":"containers.rancherdesktop.io/v1alpha1","kind":"Container","spec":{"state":"created"}}`,
		strings.Repeat("[", 100_000), strings.Repeat(`{"a":`, 100_000), "a: &a [*a,*a]",
	} {
		f.refuse(t, f.put(body), http.StatusBadRequest)
	}
	for _, contentType := range []string{mergePatch, jsonPatch, applyPatch} {
		for _, body := range []string{
			"", "{", "null", "0", `"x"`, "{]", "\x00", "\xff\xfe", strings.Repeat("[", 100_000), strings.Repeat(`{"a":`, 100_000), `[1]`, `[{}]`, `[{"op":"no"}]`,
			`[{"op":"replace","path":""}]`, `[{"op":"test","path":""}]`, `[{"op":"add","path":"/spec/state"}]`, `[{"op":"remove"}]`, `[{"op":"remove","path":"/no/such"}]`, `[{"op":"test","path":"/kind","value":"Pod"}]`,
		} {
			if contentType == jsonPatch && (body == "null") {
				continue // null is a JSON patch without operations, which is valid
			}
			r := f.patch(contentType, body)
			r.path += "?fieldManager=test"
			f.refuse(t, r, http.StatusBadRequest, http.StatusUnprocessableEntity)
		}
	}
	r := f.patch(jsonPatch, "["+strings.Repeat(`{"op":"test","path":"/kind","value":"Container"},`, 10_001)+`{"op":"test","path":"/kind","value":"Container"}]`)
	f.refuse(t, r, http.StatusRequestEntityTooLarge)
}

func TestWrongTypesAreRefused(t *testing.T) {
	f := start(t)
	for _, spec := range []string{`"state":1`, `"state":true`, `"state":[]`, `"state":{}`, `"state":["created"]`} {
		for _, r := range f.mergeAndPut("", spec) {
			f.refuse(t, r, http.StatusBadRequest, http.StatusUnprocessableEntity)
		}
	}
	for _, metadata := range []string{`"labels":[]`, `"labels":{"a":1}`, `"annotations":"x"`, `"annotations":{"a":{}}`, `"generation":"x"`, `"creationTimestamp":"yesterday"`,
		`"managedFields":{}`, `"uid":1`, `"resourceVersion":1`} {
		for _, r := range f.mergeAndPut(metadata, `"state":"created"`) {
			f.refuse(t, r, http.StatusBadRequest, http.StatusUnprocessableEntity)
		}
	}
}

func TestUnknownFieldsAreRefusedWhenValidationIsStrict(t *testing.T) {
	f := start(t)
	for _, c := range []struct{ metadata, spec string }{
		{"", `"state":"running","stat":"x"`}, {"", `"state":"running","state":"running"`}, {`"nam":"x"`, `"state":"running"`},
	} {
		for _, r := range f.mergeAndPut(c.metadata, c.spec) {
			r.path += "?fieldValidation=Strict"
			f.refuse(t, r, http.StatusBadRequest, http.StatusUnprocessableEntity)
		}
	}
	r := f.patch(applyPatch, strings.Replace(containerNamed(f.container, "running"), `"spec":{`, `"spec":{"no":1,`, 1))
	r.path += "?fieldManager=test&fieldValidation=Strict"
	f.refuse(t, r, http.StatusBadRequest)
	for _, r := range f.mergeAndPut("", `"state":"running"`) {
		r.path += "?fieldValidation=Perhaps"
		f.refuse(t, r, http.StatusUnprocessableEntity)
	}
}

func TestUnknownFieldsAreWarnedOfOtherwise(t *testing.T) {
	f := start(t)
	for _, query := range []string{"", "?fieldValidation=Warn"} {
		for _, r := range f.mergeAndPut("", `"state":"running","stat":"x"`) {
			r.path += query
			answer := f.send(t, r)
			f.checkAsked(t)
			if answer.StatusCode != http.StatusOK || !strings.Contains(answer.Header.Get("Warning"), `unknown field \"spec.stat\"`) {
				t.Errorf("%s: %d, Warning: %s: %s", r, answer.StatusCode, answer.Header.Get("Warning"), answer.body)
			}
		}
	}
}

func TestOtherContentTypesAreRefused(t *testing.T) {
	f := start(t)
	for _, contentType := range []string{"text/plain", "application/xml", "application/octet-stream", "x", "application/json/x", "multipart/form-data; boundary=x",
		"application/vnd.kubernetes.protobuf"} {
		f.refuse(t, f.patch(contentType, `{"spec":{"state":"created"}}`), http.StatusUnsupportedMediaType)
		r := f.put(containerNamed(f.container, "created"))
		r.contentType = contentType
		f.refuse(t, r, http.StatusUnsupportedMediaType)
	}
	for _, contentType := range []string{"application/json", "application/yaml", "application/apply-patch+json", "application/patch"} {
		f.refuse(t, f.patch(contentType, `{"spec":{"state":"created"}}`), http.StatusUnsupportedMediaType)
	}
	for _, accept := range []string{"text/html", "application/json;as=Tabel;v=v1;g=meta.k8s.io", "x"} {
		f.refuse(t, request{method: http.MethodGet, path: f.containerPath(), header: []string{"Accept: " + accept}}, http.StatusNotAcceptable)
	}
}

func TestHugeBodiesAreRefused(t *testing.T) {
	f := start(t)
	huge := strings.Repeat("x", 4<<20)
	for _, r := range f.mergeAndPut(fmt.Sprintf(`"annotations":{"a":%q}`, huge), `"state":"created"`) {
		f.refuse(t, r, http.StatusRequestEntityTooLarge)
	}
	apply := f.patch(applyPatch, huge)
	apply.path += "?fieldManager=test"
	f.refuse(t, apply, http.StatusRequestEntityTooLarge)
	f.refuse(t, f.patch(jsonPatch, huge), http.StatusRequestEntityTooLarge)
	f.refuse(t, request{method: http.MethodDelete, path: f.containerPath(), body: huge}, http.StatusRequestEntityTooLarge)
	f.refuse(t, request{method: http.MethodDelete, path: namespace + "/volumes", body: huge}, http.StatusRequestEntityTooLarge)
}

func TestDeleteOptionsThatAreNoneAreRefused(t *testing.T) {
	f := start(t)
	for _, path := range []string{f.containerPath(), namespace + "/images/" + f.image, namespace + "/volumes/" + f.volume, namespace + "/networks/" + f.network, namespace + "/containers", namespace + "/images", namespace + "/volumes", namespace + "/networks"} {
		for _, body := range []string{"{", "[]", `{"gracePeriodSeconds":"x"}`, `{"gracePeriodSeconds":1.5}`, `{"kind":"Pod","apiVersion":"v1"}`,
			`{"kind":"DeleteOptions","apiVersion":"v1","propagationPolicy":"Sometimes"}`, `{"kind":"DeleteOptions","apiVersion":"v1","dryRun":["Some"]}`,
			`{"kind":"DeleteOptions","apiVersion":"v1","orphanDependents":true,"propagationPolicy":"Orphan"}`} {
			f.refuse(t, request{method: http.MethodDelete, path: path, body: body}, http.StatusBadRequest, http.StatusUnprocessableEntity)
		}
		for _, query := range []string{"dryRun=Some", "gracePeriodSeconds=x", "gracePeriodSeconds=99999999999999999999", "propagationPolicy=Sometimes"} {
			f.refuse(t, request{method: http.MethodDelete, path: path + "?" + query}, http.StatusBadRequest, http.StatusUnprocessableEntity)
		}
	}
}
