// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

const (
	applyPatch = "Content-Type: application/apply-patch+yaml"
	mergePatch = "Content-Type: application/merge-patch+json"
	jsonBody   = "Content-Type: application/json"
)

func running(name string) *v1alpha1.Container {
	return newContainer(name, v1alpha1.ContainerStateRunning, v1alpha1.ContainerDockerStatusRunning)
}

func exited(name string) *v1alpha1.Container {
	return newContainer(name, v1alpha1.ContainerStateCreated, v1alpha1.ContainerDockerStatusExited)
}

func applied(name, state string) string {
	return `{"apiVersion":"containers.rancherdesktop.io/v1alpha1","kind":"Container","metadata":{"name":"` + name +
		`"},"spec":{"state":"` + state + `"}}`
}

func TestManagersDoNotConflictOverTheState(t *testing.T) {
	source := newFakeContainers(running("web"))
	server := serveContainers(t, source)
	for _, step := range []struct{ query, state, call string }{
		{"fieldManager=one", "paused", "update web running->paused"},
		{"fieldManager=two&dryRun=All", "created", ""},
		{"fieldManager=two", "running", "update web paused->running"},
		{"fieldManager=one", "paused", "update web running->paused"},
		{"fieldManager=three", "paused", ""},
	} {
		status, body := do(t, server, http.MethodPatch, defaultPath+"/containers/web?"+step.query, applied("web", step.state), applyPatch)
		check(t, status, body, http.StatusOK, `"state":"`+step.state+`"`)
		if strings.Contains(body, "managedFields") {
			t.Errorf("%s: the answer has managed fields: %s", step.query, body)
		}
		if call := source.took(); call != step.call {
			t.Errorf("%s %s: the source was told %q, want %q", step.query, step.state, call, step.call)
		}
	}
}

func TestNothingIsCreatedByAnUpdate(t *testing.T) {
	source := newFakeContainers()
	server := serveContainers(t, source)
	status, body := do(t, server, http.MethodPatch, defaultPath+"/containers/web?fieldManager=one", applied("web", "running"), applyPatch)
	check(t, status, body, http.StatusNotFound, "not found")
	status, body = do(t, server, http.MethodPut, defaultPath+"/containers/web", applied("web", "running"), jsonBody)
	check(t, status, body, http.StatusNotFound, "not found")
	status, body = do(t, server, http.MethodPost, defaultPath+"/containers", applied("web", "running"), jsonBody)
	check(t, status, body, http.StatusMethodNotAllowed)
	if calls := source.took(); strings.Contains(calls, "update") {
		t.Errorf("the source was told %q", calls)
	}
}

func TestAnUpdateKeepsWhatAClientDoesNotSet(t *testing.T) {
	source := newFakeContainers(running("web"))
	server := serveContainers(t, source)
	for _, patch := range []string{
		`{"status":{"status":"dead","image":"other"}}`,
		`{"spec":null}`,
		`{"spec":{"state":null}}`,
		`{"metadata":{"generateName":"x","generation":7,"managedFields":[]}}`,
	} {
		status, body := do(t, server, http.MethodPatch, defaultPath+"/containers/web", patch, mergePatch)
		check(t, status, body, http.StatusOK, `"state":"running"`, `"image":"busybox"`, `"status":"running"`)
		if calls := source.took(); calls != "" {
			t.Errorf("%s: the source was told %q", patch, calls)
		}
	}
	status, body := do(t, server, http.MethodPut, defaultPath+"/containers/web", applied("web", "paused"), jsonBody)
	check(t, status, body, http.StatusOK, `"state":"paused"`, `"image":"busybox"`)
	if calls := source.took(); calls != "update web running->paused" {
		t.Errorf("the source was told %q", calls)
	}
}

func TestTheGenerationFollowsTheSpecAndNotTheClient(t *testing.T) {
	source := newFakeContainers(running("web"))
	server := serveContainers(t, source)
	path := defaultPath + "/containers/web"
	generation := func(body string) int64 {
		t.Helper()
		var c v1alpha1.Container
		if err := json.Unmarshal([]byte(body), &c); err != nil {
			t.Fatal(err)
		}
		if c.Generation == 0 || c.Status.ObservedGeneration != c.Generation {
			t.Errorf("the status of generation %d is of %d", c.Generation, c.Status.ObservedGeneration)
		}
		return c.Generation
	}
	_, body := do(t, server, http.MethodGet, path, "")
	last := generation(body)
	const sent = `"metadata":{"name":"web","generation":9000000000000000}`
	typed := `{"apiVersion":"containers.rancherdesktop.io/v1alpha1","kind":"Container",` + sent
	for _, step := range []struct {
		what, method, query, body, header string
		isNew                             bool
	}{
		{"a patch of nothing else", http.MethodPatch, "", `{` + sent + `}`, mergePatch, false},
		{"an apply of the same state", http.MethodPatch, "?fieldManager=one", typed + `,"spec":{"state":"running"}}`, applyPatch, false},
		{"an update of the same state", http.MethodPut, "", typed + `,"spec":{"state":"running"}}`, jsonBody, false},
		{"a patch of the state", http.MethodPatch, "", `{` + sent + `,"spec":{"state":"paused"}}`, mergePatch, true},
		{"an apply of the state", http.MethodPatch, "?fieldManager=one", typed + `,"spec":{"state":"running"}}`, applyPatch, true},
		{"an update of the state", http.MethodPut, "", typed + `,"spec":{"state":"paused"}}`, jsonBody, true},
		{"a deletion that begins", http.MethodDelete, "", "", jsonBody, true},
	} {
		status, body := do(t, server, step.method, path+step.query, step.body, step.header)
		check(t, status, body, http.StatusOK)
		_, body = do(t, server, http.MethodGet, path, "")
		now := generation(body)
		if step.isNew != (now > last) || now < last {
			t.Errorf("%s: the generation was %d and is %d", step.what, last, now)
		}
		last = now
	}
}

func TestWhatIsInvalidIsRefusedWithAReason(t *testing.T) {
	source := newFakeContainers(running("web"))
	server := serveContainers(t, source)
	for patch, want := range map[string]string{
		`{"spec":{"state":"bogus"}}`:                                "Unsupported value",
		`{"metadata":{"labels":{"a":"b"}}}`:                         "Docker cannot store",
		`{"metadata":{"finalizers":["a.b/c"]}}`:                     "Docker cannot store",
		`{"metadata":{"uid":"another"}}`:                            "immutable",
		`{"spec":{"state":5}}`:                                      "",
		`{"metadata":{"deletionTimestamp":"1970-01-01T00:00:00Z"}}`: "immutable",
	} {
		status, body := do(t, server, http.MethodPatch, defaultPath+"/containers/web", patch, mergePatch)
		check(t, status, body, http.StatusUnprocessableEntity, want)
	}
	status, body := do(t, server, http.MethodGet, defaultPath+"/containers?limit=-1", "")
	check(t, status, body, http.StatusBadRequest, "limit")
	status, body = do(t, server, http.MethodGet, defaultPath+"/containers?fieldSelector=status.pid%3d1", "")
	check(t, status, body, http.StatusBadRequest, "status.pid", "status.image")
	status, body = do(t, server, http.MethodDelete, defaultPath+"/containers?fieldSelector=status.pid%3d1", "")
	check(t, status, body, http.StatusBadRequest, "status.pid")
	if calls := source.took(); calls != "" {
		t.Errorf("the source was told %q", calls)
	}
}

func TestARunningContainerIsDeletedGracefully(t *testing.T) {
	for query, call := range map[string]string{
		"":                              "update web delete in 7s",
		"?gracePeriodSeconds=3":         "update web delete in 3s",
		"?gracePeriodSeconds=0":         "delete web grace 0",
		"?propagationPolicy=Foreground": "update web delete in 7s",
		"?dryRun=All":                   "",
	} {
		source := newFakeContainers(running("web"))
		status, body := do(t, serveContainers(t, source), http.MethodDelete, defaultPath+"/containers/web"+query, "")
		check(t, status, body, http.StatusOK, `"kind":"Status"`, `"status":"Success"`, `"uid":"uid-of-web"`, `"kind":"containers"`)
		if got := source.took(); got != call {
			t.Errorf("%q: the source was told %q, want %q", query, got, call)
		}
	}
}

func TestAContainerThatDoesNotRunIsDeletedAtOnce(t *testing.T) {
	for query, call := range map[string]string{"": "delete job", "?gracePeriodSeconds=30": "delete job grace 30", "?dryRun=All": ""} {
		source := newFakeContainers(exited("job"))
		status, body := do(t, serveContainers(t, source), http.MethodDelete, defaultPath+"/containers/job"+query, "")
		check(t, status, body, http.StatusOK, `"uid":"uid-of-job"`)
		if got := source.took(); got != call {
			t.Errorf("%q: the source was told %q, want %q", query, got, call)
		}
	}
}

func TestACollectionIsDeletedBySelector(t *testing.T) {
	source := newFakeContainers(exited("job"), running("web"))
	server := serveContainers(t, source)
	selected := defaultPath + "/containers?fieldSelector=spec.state%3dcreated"
	status, body := do(t, server, http.MethodDelete, selected+"&dryRun=All", "")
	check(t, status, body, http.StatusOK)
	if calls := source.took(); calls != "" {
		t.Errorf("the dry run told the source %q", calls)
	}
	status, body = do(t, server, http.MethodDelete, selected, "")
	check(t, status, body, http.StatusOK)
	if calls := source.took(); calls != "delete job" {
		t.Errorf("the source was told %q", calls)
	}
}

func TestPreconditionsHold(t *testing.T) {
	source := newFakeContainers(running("web"))
	server := serveContainers(t, source)
	for _, precondition := range []string{`"uid":"another"`, `"resourceVersion":"1"`} {
		status, body := do(t, server, http.MethodDelete, defaultPath+"/containers/web",
			`{"kind":"DeleteOptions","apiVersion":"v1","preconditions":{`+precondition+`}}`, jsonBody)
		check(t, status, body, http.StatusConflict)
	}
	status, body := do(t, server, http.MethodPatch, defaultPath+"/containers/web",
		`{"metadata":{"resourceVersion":"1"},"spec":{"state":"paused"}}`, mergePatch)
	check(t, status, body, http.StatusConflict)
	if calls := source.took(); calls != "" {
		t.Errorf("the source was told %q", calls)
	}
}

func TestOtherNamespacesAreEmptyAndDoNotReachTheEngine(t *testing.T) {
	source := newFakeContainers(running("web"))
	server := serveContainers(t, source)
	other := groupPath + "/namespaces/other/containers"
	status, body := do(t, server, http.MethodGet, other, "")
	check(t, status, body, http.StatusOK, `"items":[]`, `"resourceVersion":"1`)
	for _, method := range []string{http.MethodGet, http.MethodDelete} {
		status, body = do(t, server, method, other+"/web", "")
		check(t, status, body, http.StatusNotFound, `\"web\" not found`)
	}
	status, body = do(t, server, http.MethodPatch, other+"/web", `{"spec":{"state":"paused"}}`, mergePatch)
	check(t, status, body, http.StatusNotFound)
	status, body = do(t, server, http.MethodGet, other+"?watch=true&timeoutSeconds=1&sendInitialEvents=true&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan", "")
	check(t, status, body, http.StatusOK, "BOOKMARK", "k8s.io/initial-events-end")
	if calls := source.took(); calls != "" {
		t.Errorf("the source was told %q", calls)
	}
	status, body = do(t, server, http.MethodGet, groupPath+"/containers", "")
	check(t, status, body, http.StatusOK, `"name":"web"`)
}

func TestATableCarriesAsMuchOfTheObjectsAsIsAskedFor(t *testing.T) {
	server := serveContainers(t, newFakeContainers(running("web")))
	const table = "Accept: application/json;as=Table;v=v1;g=meta.k8s.io"
	for query, want := range map[string]string{
		"":                        `"kind":"PartialObjectMetadata"`,
		"?includeObject=Metadata": `"kind":"PartialObjectMetadata"`,
		"?includeObject=Object":   `"kind":"Container","apiVersion":"containers.rancherdesktop.io/v1alpha1"`,
		"?includeObject=None":     `"object":null`,
	} {
		for _, path := range []string{"/containers", "/containers/web"} {
			status, body := do(t, server, http.MethodGet, defaultPath+path+query, "", table)
			check(t, status, body, http.StatusOK, want, `"cells":["web","busybox","running"`, `"format":"name"`)
		}
	}
}

func TestProtobufIsNotOffered(t *testing.T) {
	server := serveContainers(t, newFakeContainers(running("web")))
	const protobuf = "application/vnd.kubernetes.protobuf"
	status, body := do(t, server, http.MethodGet, defaultPath+"/containers/web", "", "Accept: "+protobuf+",application/json")
	check(t, status, body, http.StatusOK, `"kind":"Container"`)
	status, body = do(t, server, http.MethodGet, defaultPath+"/containers/web", "", "Accept: "+protobuf)
	check(t, status, body, http.StatusNotAcceptable)
	status, body = do(t, server, http.MethodPatch, defaultPath+"/containers/web", `{"spec":{"state":"paused"}}`, mergePatch, "Accept: application/yaml")
	check(t, status, body, http.StatusOK, "state: paused")
}
