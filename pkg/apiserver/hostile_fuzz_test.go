// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"

	containersapi "github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers"
	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

// handled passes a request directly to the server's handler, because a connection would clean the request up first. A
// panic is answered with a 500.
func handled(t *testing.T, server *httptest.Server, method, path string, query url.Values, contentType string, body []byte) (int, []byte) {
	t.Helper()
	request := httptest.NewRequestWithContext(t.Context(), method, "/", strings.NewReader(string(body)))
	request.URL = &url.URL{Path: path, RawQuery: query.Encode()}
	request.RequestURI = request.URL.RequestURI()
	if contentType != "" {
		request.Header.Set("Content-Type", contentType)
	}
	answer := httptest.NewRecorder()
	server.Config.Handler.ServeHTTP(answer, request)
	return answer.Code, answer.Body.Bytes()
}

// checkRefusal fails unless the body is a complete Status with this code, and the code is a client error or in but.
func checkRefusal(t *testing.T, code int, body []byte, but ...int) {
	t.Helper()
	var status metav1.Status
	if err := json.Unmarshal(body, &status); err != nil || status.Kind != "Status" || int(status.Code) != code || status.Message == "" {
		t.Errorf("status %d without a complete Status: %.300s", code, body)
	}
	if (code < 400 || code >= 500) && !slices.Contains(but, code) {
		t.Errorf("%d: %.300s", code, body)
	}
}

var patchTypes = []string{"application/json-patch+json", "application/merge-patch+json", "application/apply-patch+yaml", "application/strategic-merge-patch+json", "application/apply-patch+cbor"}

// allowedUpdate matches the calls that a patch may cause.
var allowedUpdate = regexp.MustCompile(`^(update web( running->(created|paused))?)?$`)

// FuzzPatch promises that any patch either changes nothing or asks the source for a valid state. The object otherwise
// stays the same.
func FuzzPatch(f *testing.F) {
	for kind, bodies := range [][]string{
		{`[]`, `null`, `[{"op":"replace","path":"/spec/state","value":"paused"}]`, `[{"op":"move","from":"/spec","path":"/spec/state"}]`, `[{"op":"copy","from":"","path":"/status/args/-"}]`, `[{"op":"add","path":"/metadata/labels/a~1b","value":"x"}]`,
			`[{"op":"remove","path":"/metadata"}]`, `[{"op":"test","path":"/spec/state","value":"created"}]`, `[{"op":"replace","path":"","value":null}]`, `[{"op":"replace","path":""}]`, `[{"op":"test","path":""}]`, `[{"op":"add","path":"/spec"}]`, `[{"op":"add","path":"/status/args/99999999999999999999","value":1}]`},
		{`{}`, `null`, `[]`, `{"spec":{"state":"created"}}`, `{"spec":null,"metadata":null,"status":null}`, `{"metadata":{"name":"other","namespace":"other","uid":"x"}}`, `{"metadata":{"annotations":{"containers.rancherdesktop.io/action":"restart"}}}`,
			`{"metadata":{"deletionTimestamp":"2026-01-01T00:00:00Z","deletionGracePeriodSeconds":-1}}`, `{"status":{"ports":[{"name":"a"},{"name":"a"}]}}`, `{"kind":"Image"}`, `{"apiVersion":"v1"}`, `{"metadata":{"managedFields":[{"manager":"x","operation":"Apply","fieldsV1":{"f:spec":[]}}]}}`},
		{applied("web", "paused"), applied("", "paused"), applied("other", "paused"), "a: &a [*a]", "--- \n---", `{"apiVersion":"containers.rancherdesktop.io/v1alpha1","kind":"Container","metadata":{"managedFields":[]},"spec":{"no":1}}`,
			`{"apiVersion":"containers.rancherdesktop.io/v1alpha1","kind":"Container","status":{"ports":[{"name":"a"},{"name":"a"}],"conditions":[{}]}}`, "!!binary x", "<<: [a]"},
		{`{}`, `{"$patch":"delete"}`, `{"metadata":{"$retainKeys":["name"]}}`, `{"spec":{"mounts":[{"target":{}}]}}`, `{"spec":{"mounts":[{"target":{}},{"target":{}}]}}`, `{"spec":{"env":[{"name":[]},{"name":[]}]}}`, `{"spec":{"env":[{"name":{"$patch":"delete"}}],"$setElementOrder/env":[{"name":{}},{"name":{}}]}}`,
			`{"metadata":{"finalizers":[{},{}]}}`, `{"metadata":{"$deleteFromPrimitiveList/finalizers":[{}]}}`, `{"metadata":{"$setElementOrder/finalizers":[[]],"finalizers":["a"]}}`, `{"metadata":{"ownerReferences":[{"uid":[]},{"uid":[]}]}}`},
		{"\xd9\xd9\xf7\xa0"},
	} {
		for _, body := range bodies {
			f.Add(uint8(kind), "test", []byte(body))
		}
	}
	f.Add(uint8(1), "", []byte(`{"spec":{"state":"paused"}}`))
	f.Add(uint8(2), strings.Repeat("m", 129), []byte(applied("web", "created")))
	source := newFakeContainers(running("web"))
	server := serveContainers(f, source)
	f.Fuzz(func(t *testing.T, kind uint8, manager string, patch []byte) {
		before := running("web")
		before.Spec.Env, before.Spec.Mounts = []v1alpha1.ContainerEnvVar{{Name: "A"}, {Name: "B"}}, []v1alpha1.ContainerMount{{Type: v1alpha1.ContainerMountTmpfs, Target: "/a"}}
		source.put(before)
		source.took()
		code, body := handled(t, server, http.MethodPatch, defaultPath+"/containers/web", url.Values{"fieldManager": {manager}}, patchTypes[int(kind)%len(patchTypes)], patch)
		told := source.took()
		if !allowedUpdate.MatchString(told) {
			t.Errorf("the source was told %q", told)
		}
		if code != http.StatusOK {
			checkRefusal(t, code, body)
			if told != "" {
				t.Errorf("%d, and the source was told %q", code, told)
			}
			return
		}
		var after v1alpha1.Container
		if err := json.Unmarshal(body, &after); err != nil {
			t.Fatal(err)
		}
		if after.Name != "web" || after.UID != before.UID || after.Status.ID != before.Status.ID || after.Status.Image != before.Status.Image || len(after.Labels)+len(after.Finalizers)+len(after.ManagedFields) > 0 {
			t.Errorf("the object became %s", body)
		}
		if strings.Contains(told, "->") != (after.Spec.State != v1alpha1.ContainerStateRunning) {
			t.Errorf("the source was told %q, and the state is %s", told, after.Spec.State)
		}
	})
}

// FuzzListQuery promises that a query is either refused as the client's mistake, or answered with exactly the objects
// that its selectors match. The deletion of a collection deletes exactly these objects.
func FuzzListQuery(f *testing.F) {
	token := func(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
	for _, seed := range [][5]string{
		{}, {"metadata.name=web"}, {"spec.state!=running"}, {"status.image=busybox,metadata.name!=job"}, {"="}, {"a=b"}, {"metadata.name=web\\,job"}, {"metadata.name in (web)"}, {"metadata.name=../images/x"},
		{"", "app=a"}, {"", "app in (a,b),!x"}, {"", "app notin ()"}, {"", "!"}, {"", " "}, {"", "app>1"}, {"metadata.name=web", "app=b"}, {"metadata.name=0123456789ab"},
		{"", "", "x"}, {"", "", token(`{"v":"meta.k8s.io/v1","rv":-1,"start":"!"}`)}, {"", "", token(`{"v":"meta.k8s.io/v1","rv":1,"start":"../../x"}`)}, {"", "", token(`{"v":"meta.k8s.io/v1","rv":9223372036854775807,"start":"a\u0000"}`)},
		{"", "", "", "0"}, {"", "", "", "1"}, {"", "", "", "-1"}, {"", "", "", "18446744073709551615"}, {"", "", "", "1", "Exact"}, {"", "", "", "0", "NotOlderThan"}, {"", "", "", "", "Perhaps"}, {"app=a", "", "", "1 OR 1"},
	} {
		f.Add(seed[0], seed[1], seed[2], seed[3], seed[4])
	}
	web, job := running("web"), exited("job")
	web.Labels, job.Labels = map[string]string{"app": "a"}, map[string]string{"app": "b"}
	source := newFakeContainers(web, job)
	server := serveContainers(f, source)
	f.Fuzz(func(t *testing.T, fieldSelector, labelSelector, next, version, match string) {
		query := url.Values{}
		for parameter, value := range map[string]string{"fieldSelector": fieldSelector, "labelSelector": labelSelector, "continue": next, "resourceVersion": version, "resourceVersionMatch": match} {
			if value != "" {
				query.Set(parameter, value)
			}
		}
		var want []string
		if fieldsWanted, err := fields.ParseSelector(fieldSelector); err == nil {
			if labelsWanted, err := labels.Parse(labelSelector); err == nil {
				for _, c := range []*v1alpha1.Container{job, web} {
					if fieldsWanted.Matches(containersapi.SelectableFields(c)) && labelsWanted.Matches(labels.Set(c.Labels)) {
						want = append(want, c.Name)
					}
				}
			}
		}
		check := func(method string) {
			code, body := handled(t, server, method, defaultPath+"/containers", query, "", nil)
			if code != http.StatusOK {
				checkRefusal(t, code, body, http.StatusGatewayTimeout) // the version does not exist yet
				return
			}
			var list v1alpha1.ContainerList
			if err := json.Unmarshal(body, &list); err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, c := range list.Items {
				got = append(got, c.Name)
			}
			byID := strings.Contains(fieldSelector, web.Status.ID[:12]) // both containers have this ID, so neither answers to it
			if !slices.Equal(got, want) && next == "" && !byID || len(got) > 2 {
				t.Errorf("%s %s: %q, want %q", method, query.Encode(), got, want)
			}
		}
		source.took()
		check(http.MethodGet)
		query.Set("dryRun", "All")
		check(http.MethodDelete)
		if told := source.took(); strings.Contains(told, "update") || strings.Contains(told, "delete") {
			t.Errorf("the source was told %q", told)
		}
	})
}

// FuzzObjectName promises that a name in a path means the object with that name, and never an object of another kind or
// namespace.
func FuzzObjectName(f *testing.F) {
	for _, seed := range []string{"web", "..", ".", "../images/x", "web/status", "%2e%2e", "web%00", "", "/", "web/", "0123456789ab", strings.Repeat("a", 5_000), "a b", "wéb", "web\n"} {
		f.Add(seed)
	}
	source := newFakeContainers(running("web"), exited("job"))
	server := serveContainers(f, source)
	f.Fuzz(func(t *testing.T, name string) {
		for _, method := range []string{http.MethodGet, http.MethodDelete} {
			code, body := handled(t, server, method, defaultPath+"/containers/"+name, url.Values{"dryRun": {"All"}}, "", nil)
			if strings.Trim(name, "/") == "" {
				continue // this is the path of the collection
			}
			if known := name == "web" || name == "job"; code == http.StatusOK && known {
				continue
			}
			if code != http.StatusNotFound && code != http.StatusBadRequest && code != http.StatusMethodNotAllowed && code/100 != 3 && !strings.Contains(name, "/") {
				t.Errorf("%s %q: %d %.300s", method, name, code, body)
			} else if code >= 500 {
				t.Errorf("%s %q: %d %.300s", method, name, code, body)
			}
		}
		for call := range strings.SplitSeq(source.took(), ", ") {
			key, isLookup := strings.CutPrefix(call, "lookup ")
			if call != "" && (!isLookup || strings.Count(key, "/") != 1 || !strings.HasPrefix(key, "rancher-desktop/")) {
				t.Errorf("%q: the source was told %q", name, call)
			}
		}
	})
}
