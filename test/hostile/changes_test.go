// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package hostile

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/rancher-sandbox/engine-apiserver/test/engine"
)

func TestStatesThatCannotBeSetAreRefusedWithThoseThatCan(t *testing.T) {
	f := start(t)
	for _, state := range []string{"unknown", "stopped", "exited", "Running", "RUNNING", " running", "running ", "restarting", "removed", "null", "../created", strings.Repeat("a", 10_000), "\u0000", "容器"} {
		requests := f.mergeAndPut("", fmt.Sprintf(`"state":%q`, state))
		requests = append(requests, f.patch(jsonPatch, fmt.Sprintf(`[{"op":"replace","path":"/spec/state","value":%q}]`, state)))
		apply := f.patch(applyPatch, containerNamed(f.container, state))
		apply.path += "?fieldManager=test"
		for _, r := range append(requests, apply) {
			if strings.Contains(r.body, `\x`) {
				continue
			}
			status := f.refuse(t, r, http.StatusUnprocessableEntity)
			for _, allowed := range []string{"created", "paused", "running"} {
				if !strings.Contains(status.Message, `"`+allowed+`"`) {
					t.Errorf("%s: %q does not name %s", r, status.Message, allowed)
				}
			}
		}
	}
}

func TestMetadataThatDockerCannotStoreIsRefused(t *testing.T) {
	f := start(t)
	for _, metadata := range []string{
		`"labels":{"new":"x"}`, `"labels":{"-":"-"}`, `"annotations":{"a":"b"}`, `"annotations":{"a b":"c"}`,
		fmt.Sprintf(`"annotations":{"a":%q}`, strings.Repeat("x", 300_000)), `"finalizers":["example.com/hold"]`, `"finalizers":["x"]`,
		`"ownerReferences":[{"apiVersion":"v1","kind":"Pod","name":"x","uid":"y"}]`, `"ownerReferences":[{}]`,
	} {
		for _, r := range f.mergeAndPut(metadata, `"state":"running"`) {
			f.refuse(t, r, http.StatusUnprocessableEntity)
		}
	}

	labelled := *f
	f = &labelled
	f.container = engine.UniqueName("labelled")
	eng.Run(t, f.container, engine.Labels(map[string]string{"role": "victim"}))
	f.refuse(t, f.patch(jsonPatch, `[{"op":"remove","path":"/metadata/labels"}]`), http.StatusUnprocessableEntity)
	f.refuse(t, f.patch(jsonPatch, `[{"op":"replace","path":"/metadata/labels/role","value":"other"}]`), http.StatusUnprocessableEntity)
	f.refuse(t, f.patch(mergePatch, `{"metadata":{"labels":null}}`), http.StatusUnprocessableEntity)
	f.refuse(t, f.put(containerNamed(f.container, "running")), http.StatusUnprocessableEntity)
}

func TestActionsThatAreNoneAreRefused(t *testing.T) {
	f := start(t)
	for _, action := range []string{"", "Stop", "stop ", "kill", "delete", "rm -f", "../stop", strings.Repeat("a", 10_000)} {
		for _, r := range f.mergeAndPut(fmt.Sprintf(`"annotations":{"containers.rancherdesktop.io/action":%q}`, action), `"state":"running"`) {
			status := f.refuse(t, r, http.StatusUnprocessableEntity)
			for _, allowed := range []string{"start", "stop", "pause", "unpause", "restart"} {
				if !strings.Contains(status.Message, `"`+allowed+`"`) {
					t.Errorf("%s: %q does not name %s", r, status.Message, allowed)
				}
			}
		}
	}
}

func TestAnActionAndAStateTogetherAreRefused(t *testing.T) {
	f := start(t)
	for _, r := range f.mergeAndPut(`"annotations":{"containers.rancherdesktop.io/action":"stop"}`, `"state":"paused"`) {
		f.refuse(t, r, http.StatusUnprocessableEntity)
	}
}

func TestAnotherNameOrNamespaceInTheBodyIsRefused(t *testing.T) {
	f := start(t)
	for _, state := range []string{"running", "created"} {
		other := fmt.Sprintf(`{"apiVersion":"containers.rancherdesktop.io/v1alpha1","kind":"Container","metadata":{%%s},"spec":{"state":%q}}`, state)
		for _, metadata := range []string{`"name":"other"`, `"name":"../x"`, `"name":""`, fmt.Sprintf(`"name":%q,"namespace":"default"`, f.container), fmt.Sprintf(`"name":%q,"namespace":"../x"`, f.container)} {
			body := fmt.Sprintf(other, metadata)
			f.refuse(t, f.put(body), http.StatusBadRequest)
			f.refuse(t, f.patch(mergePatch, body), http.StatusBadRequest, http.StatusUnprocessableEntity)
			apply := f.patch(applyPatch, body)
			apply.path += "?fieldManager=test"
			f.refuse(t, apply, http.StatusBadRequest, http.StatusUnprocessableEntity)
		}
	}
}

func TestAnotherObjectsUIDOrVersionIsAConflict(t *testing.T) {
	f := start(t)
	for _, metadata := range []string{`"uid":"00000000-0000-0000-0000-000000000000"`, `"uid":"x"`, `"resourceVersion":"1"`, `"resourceVersion":"9223372036854775807"`} {
		for _, r := range f.mergeAndPut(metadata, `"state":"created"`) {
			// The server may also refuse a patch with 422, because a patch must not change the UID.
			f.refuse(t, r, http.StatusConflict, http.StatusUnprocessableEntity)
		}
	}
	for _, version := range []string{"x", "-1", "1.5", "99999999999999999999999", "1; DROP"} {
		for _, r := range f.mergeAndPut(fmt.Sprintf(`"resourceVersion":%q`, version), `"state":"created"`) {
			f.refuse(t, r, http.StatusConflict, http.StatusBadRequest, http.StatusUnprocessableEntity)
		}
	}
	for _, path := range []string{f.containerPath(), namespace + "/images/" + f.image, namespace + "/volumes/" + f.volume, namespace + "/networks/" + f.network} {
		for _, preconditions := range []string{`"uid":"x"`, `"uid":""`, `"resourceVersion":"1"`, `"resourceVersion":"x"`, `"resourceVersion":""`} {
			f.refuse(t, request{method: http.MethodDelete, path: path, body: `{"preconditions":{` + preconditions + `}}`}, http.StatusConflict, http.StatusBadRequest)
		}
	}
}

func TestNoHostileTagIsMade(t *testing.T) {
	f := start(t)
	for _, text := range []string{
		"", ".", "..", "/", "../containers/" + f.container, "..~containers~" + f.container, "a?force=1", "a#b", "a%2fb", "a:b:c", "a@b", "A:v1", ":v1", "a:",
		"a b:v1", "a\nb:v1", "a\u0000:v1", "\u202ea:v1", "sha256:v1", "http://a/b:v1", "a//b:v1", "a~~b:v1", strings.Repeat("a", 10_000), "a:" + strings.Repeat("1", 200),
	} {
		images := namespace + "/images"
		f.refuse(t, request{method: http.MethodPost, path: images, body: `{"metadata":{"name":"` + text + `"},"spec":{"from":"` + f.image + `"}}`},
			http.StatusBadRequest, http.StatusUnprocessableEntity)
		f.refuse(t, request{method: http.MethodPost, path: images, body: `{"metadata":{"name":"hostile:v1"},"spec":{"from":"` + text + `"}}`},
			http.StatusBadRequest, http.StatusUnprocessableEntity)
		if text == "" {
			continue // changes nothing
		}
		f.refuse(t, request{method: http.MethodPatch, path: images + "/" + f.image, contentType: mergePatch, body: `{"spec":{"from":"` + text + `"}}`},
			http.StatusBadRequest, http.StatusUnprocessableEntity)
	}
}

func TestNoHostileContainerIsMade(t *testing.T) {
	f := start(t)
	path, valid := namespace+"/containers", engine.UniqueName("hostile")
	container := func(name, spec string) string {
		return fmt.Sprintf(`{"metadata":{"name":%q},"spec":{"imagePullPolicy":"Never",%s}}`, name, spec)
	}
	for _, text := range []string{
		"", ".", "..", "/", "../containers/" + f.container, "a?force=1", "a&platform=b", "a#b", "a%2fb", "a b", "a\nb", "a\x00", "\u202ea", "-a",
	} {
		f.refuse(t, request{method: http.MethodPost, path: path, body: container(text, `"image":"busybox:latest"`)},
			http.StatusBadRequest, http.StatusUnprocessableEntity)
		encoded, err := json.Marshal(text)
		if err != nil {
			t.Fatal(err)
		}
		for _, spec := range []string{
			`"image":TEXT`, `"image":"busybox:latest","networks":[{"name":TEXT,"aliases":["b"]},{"name":TEXT}]`, `"image":"busybox:latest","networkMode":"container:/TEXT"`,
			`"image":"busybox:latest","mounts":[{"type":"volume","source":"../TEXT","target":"/x"}]`, `"image":"busybox:latest","mounts":[{"type":"bind","source":"/x","target":TEXT}]`,
			`"image":"busybox:latest","platform":"a/TEXT"`, `"image":"busybox:latest","labels":{"containers.rancherdesktop.io/fields":TEXT}`,
		} {
			value := string(encoded)
			if !strings.HasPrefix(spec[strings.Index(spec, "TEXT")-1:], ":") && !strings.Contains(spec, `:TEXT`) {
				value = strings.Trim(value, `"`)
			}
			f.refuse(t, request{method: http.MethodPost, path: path, body: container(valid, strings.ReplaceAll(spec, "TEXT", value))},
				http.StatusBadRequest, http.StatusUnprocessableEntity)
		}
	}
	for _, body := range []string{
		`{}`, `{"spec":null}`, `[]`, container(valid, `"image":["a"]`), container(valid, `"image":"busybox:latest","privileged":true`),
		container(valid, `"image":"busybox:latest","state":"unknown"`), container(valid, `"image":"busybox:latest","image":"other"`),
		container(valid, `"image":"busybox:latest","resources":{"memory":"-1"}`), container(valid, `"image":"busybox:latest","resources":{"memory":"1e400"}`),
		container(valid, `"image":"busybox:latest","ports":[{"containerPort":99999999999}]`), container(valid, `"image":"busybox:latest","ports":[{"containerPort":0}]`),
	} {
		f.refuse(t, request{method: http.MethodPost, path: path + "?fieldValidation=Strict", body: body}, http.StatusBadRequest, http.StatusUnprocessableEntity)
	}
}

func TestNothingIsCreated(t *testing.T) {
	f := start(t)
	missing := engine.UniqueName("missing")
	body := containerNamed(missing, "running")
	for _, kind := range kinds {
		code := http.StatusMethodNotAllowed
		if kind == "containers" {
			code = http.StatusUnprocessableEntity // the spec has no image
		} else if kind == "images" || kind == "volumes" || kind == "networks" || strings.HasSuffix(kind, "requests") {
			code = http.StatusBadRequest // the body is of another kind
		}
		f.refuse(t, request{method: http.MethodPost, path: namespace + "/" + kind, body: body}, code)
		f.refuse(t, request{method: http.MethodPost, path: group + "/" + kind, body: body}, http.StatusMethodNotAllowed, http.StatusBadRequest)
	}
	path := namespace + "/containers/" + missing
	f.refuse(t, request{method: http.MethodPut, path: path, body: body}, http.StatusNotFound)
	f.refuse(t, request{method: http.MethodPatch, path: path + "?fieldManager=test", contentType: applyPatch, body: body}, http.StatusUnprocessableEntity)
	f.refuse(t, request{method: http.MethodPatch, path: path, contentType: mergePatch, body: body}, http.StatusNotFound)
	if _, err := eng.Client().ContainerInspect(t.Context(), missing); err == nil {
		t.Error("the container was created")
	}
}
