// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package hostile

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/rancher-sandbox/engine-apiserver/test/engine"
)

// containerNamed returns a Container in JSON, as a client sends it.
func containerNamed(name, state string) string {
	text, err := json.Marshal(map[string]any{
		"apiVersion": "containers.rancherdesktop.io/v1alpha1", "kind": "Container",
		"metadata": map[string]string{"name": name}, "spec": map[string]string{"state": state},
	})
	if err != nil {
		panic(err)
	}
	return string(text)
}

// onEach returns the requests that name one object of a kind. The key true has the requests that the kind offers, and false
// has the others.
func onEach(kind, pathSegment, name string) map[bool][]request {
	path := namespace + "/" + kind + "/" + pathSegment
	deletable, mutable := !readOnly(kind), !readOnly(kind) && !strings.HasSuffix(kind, "requests")
	offered := map[bool][]request{}
	offered[true] = append(offered[true], request{method: http.MethodGet, path: path},
		request{method: http.MethodGet, path: path + "?resourceVersion=0"})
	offered[deletable] = append(offered[deletable], request{method: http.MethodDelete, path: path},
		request{method: http.MethodDelete, path: path + "?gracePeriodSeconds=0"})
	offered[mutable] = append(offered[mutable],
		request{method: http.MethodPatch, path: path, contentType: mergePatch, body: `{"spec":{"state":"created"}}`},
		request{method: http.MethodPatch, path: path, contentType: jsonPatch, body: `[{"op":"replace","path":"/spec/state","value":"created"}]`},
		request{method: http.MethodPatch, path: path + "?fieldManager=test", contentType: applyPatch, body: containerNamed(name, "created")},
		request{method: http.MethodPut, path: path, body: containerNamed(name, "created")})
	return offered
}

func (f *fixture) refuseName(t *testing.T, kind, pathSegment, name string) {
	t.Helper()
	for _, r := range onEach(kind, pathSegment, name)[true] {
		// A server-side apply would make a container, and is refused for its spec.
		f.refuse(t, r, http.StatusNotFound, http.StatusBadRequest, http.StatusUnprocessableEntity)
	}
}

func TestRequestsThatAKindDoesNotOfferAreRefusedWhateverTheName(t *testing.T) {
	f := start(t)
	for _, name := range []string{f.container, f.container + "/x", "moby", "../containers/" + f.container, "..", ".", "~", "%2e%2e", strings.Repeat("a", 10_000)} {
		for _, kind := range kinds {
			for _, r := range onEach(kind, url.PathEscape(name), name)[false] {
				f.refuse(t, r, http.StatusMethodNotAllowed, http.StatusNotFound)
			}
		}
	}
}

func TestNoNameReachesAnotherEndpoint(t *testing.T) {
	f := start(t)
	for _, name := range []string{
		"../containers/" + f.container, "../volumes/" + f.volume, "../images/" + f.image, "../networks/" + f.network, "x/../../containers/" + f.container,
		"..%2fcontainers%2f" + f.container, f.container + "/json", f.container + "/../" + f.container, "/" + f.container,
		f.container + "?force=1", f.container + "#", f.container + "%", f.container + "%00", f.container + "%2e",
		f.container + "\x00", f.container + "\n", f.container + "\r\nX: y", "\x7f" + f.container, "\x1b[2J",
		f.container + " ", " " + f.container, "a b", "victïm", "容器", "\u202e" + f.container, "a\xffb", "..\\containers\\" + f.container,
		".", "..", "...", ".hidden", "-a", "--force", "_a", "a", "~", "$(id)", "a;b", "a&force=1", "a,b", "a|b", "*", "{}", "a=b", "'", `"`,
		"..~containers~" + f.container + "-0123456789", "~-0123456789", "-0123456789", "..-5ec1f7e700", ".-cdb4ee2aea", "a~b-0123456789-0123456789", "a/b-0123456789",
		strings.Repeat("a", 10_000), strings.Repeat("a/", 2_000), strings.Repeat("../", 1_000),
	} {
		for _, kind := range kinds {
			f.refuseName(t, kind, url.PathEscape(name), name)
		}
	}
}

func TestNoRawPathReachesAnotherEndpoint(t *testing.T) {
	f := start(t)
	for _, raw := range []string{
		"../containers/" + f.container, "..//containers/" + f.container, "./" + f.container + "/x", "..%2fcontainers%2F" + f.container, "%2e%2e",
		"%252e%252e%252fcontainers%252f" + f.container, "%2e%2e%2f", "%2e%2e/containers/" + f.container, "%252e%252e%252f", "..;/containers", ";" + f.container, "%00", "%0d%0a",
		f.container + ";x=y", "%c0%ae%c0%ae%c0%af", `..\..`,
	} {
		for _, kind := range kinds {
			f.refuseName(t, kind, raw, "x")
		}
	}
}

func TestPathsThatAreNoneAreRefused(t *testing.T) {
	f := start(t)
	for _, raw := range []string{"%", "%zz", "%u002e", "a b", "a\tb", "a\x01b", "a\x7fb"} {
		for _, method := range []string{http.MethodGet, http.MethodDelete} {
			answer := f.send(t, request{method: method, path: namespace + "/containers/" + raw})
			f.checkNotAsked(t)
			if answer.StatusCode != http.StatusBadRequest {
				t.Errorf("%s %q: %d %s", method, raw, answer.StatusCode, answer.body)
			}
		}
	}
}

func TestNoWritingGoesByAnEmptyName(t *testing.T) {
	f := start(t)
	for _, kind := range kinds {
		for _, path := range []string{"", "/", "//"} {
			for _, method := range []string{http.MethodPut, http.MethodPatch} {
				f.refuse(t, request{method: method, path: namespace + "/" + kind + path, contentType: mergePatch, body: "{}"},
					http.StatusMethodNotAllowed, http.StatusNotFound)
			}
			if path != "" {
				f.refuse(t, request{method: http.MethodDelete, path: namespace + "/" + kind + path}, http.StatusBadRequest, http.StatusMethodNotAllowed)
			}
		}
	}
}

func TestNoImageNameMeansAnotherImage(t *testing.T) {
	f := start(t)
	digits := strings.TrimPrefix(f.imageID, "sha256:")
	for _, name := range []string{
		"~~", "~a", "a~", "a~..~b", "a~~b", "..~..~containers~" + f.container, "~" + f.image, f.image + "~", "@sha256:", "a@sha256:", "sha256:",
		"busybox@" + f.imageID, f.image + "@" + f.imageID, "library~library~busybox:latest", "docker.io~docker.io~busybox", "example.com~library~busybox:latest",
		"busybo", "busybox:", "busybox:latest:latest", ":latest", "Busybox:latest", "busybox:LATEST",
		"sha256:" + digits[:12], "sha256:" + digits[:63], "sha256:" + digits + "0", "SHA256:" + digits, "sha512:" + digits,
		digits[:1], digits[:11], digits[:13], digits[:63], digits + "0", strings.ToUpper(digits), "sha256:" + strings.ToUpper(digits),
		"<none>:<none>", "json", "get", "search", "prune",
	} {
		f.refuseName(t, "images", url.PathEscape(name), name)
	}
}

func TestAnIDIsTwelveDigitsOrAllOfThem(t *testing.T) {
	f := start(t)
	for _, length := range []int{1, 2, 4, 8, 11, 13, 32, 63} {
		f.refuseName(t, "containers", f.id[:length], f.id[:length])
	}
	for _, id := range []string{f.id + "0", strings.ToUpper(f.id[:12]), strings.ToUpper(f.id), "sha256:" + f.id, "sha256:" + f.id[:12]} {
		if strings.ContainsAny(id, "ABCDEF:") || len(id) > 64 {
			f.refuseName(t, "containers", id, id)
		}
	}
	for _, id := range []string{f.id[:12], f.id} {
		if answer := f.send(t, request{method: http.MethodGet, path: namespace + "/containers/" + id}); answer.StatusCode != http.StatusOK {
			t.Errorf("%s: %d %s", id, answer.StatusCode, answer.body)
		}
	}
}

func TestANameThatIsAnotherOnesIDMeansTheOneOfThatName(t *testing.T) {
	f := start(t)
	decoy := eng.Create(t, f.id[:12])
	path := namespace + "/containers/" + f.id[:12]
	answer := f.send(t, request{method: http.MethodGet, path: path})
	if !strings.Contains(answer.body, decoy) || strings.Contains(answer.body, f.id) {
		t.Errorf("the answer is not about %s: %s", decoy, answer.body)
	}
	if answer := f.send(t, request{method: http.MethodDelete, path: path}); answer.StatusCode != http.StatusOK {
		t.Errorf("%d %s", answer.StatusCode, answer.body)
	}
	for _, r := range f.proxy.Requests() {
		if r.Method != http.MethodGet && r.Method != http.MethodHead && !strings.Contains(r.URI, decoy) {
			t.Errorf("the engine was asked to %s", r)
		}
	}
	if _, err := eng.Client().ContainerInspect(t.Context(), decoy); err == nil {
		t.Error("the container of that name is still there")
	}
}

func TestOneKindDoesNotAnswerToAnothersName(t *testing.T) {
	f := start(t)
	other := engine.UniqueName("other")
	for _, c := range []struct{ kind, name string }{
		{"containers", f.volume}, {"containers", f.image}, {"containers", f.imageID}, {"containers", strings.TrimPrefix(f.imageID, "sha256:")[:12]},
		{"volumes", f.container}, {"volumes", f.id}, {"volumes", f.id[:12]}, {"volumes", f.image},
		{"images", f.container}, {"images", f.volume + ":v1"}, {"images", f.id}, {"images", f.id[:12]},
		{"networks", f.container}, {"networks", f.id}, {"networks", f.id[:12]}, {"networks", f.volume}, {"containers", f.network}, {"volumes", f.network},
		{"containers", other}, {"volumes", other}, {"images", other + ":v1"}, {"networks", other},
	} {
		f.refuseName(t, c.kind, c.name, c.name)
	}
}
