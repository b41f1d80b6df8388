// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package docker

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/events"
	"github.com/docker/docker/api/types/image"
	"github.com/docker/docker/api/types/volume"
	"github.com/docker/docker/client"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/validate/content"
	"k8s.io/apimachinery/pkg/api/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	metav1validation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers"
	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

// answers is a transport that answers every request with the same body.
type answers struct{ body []byte }

func (a *answers) RoundTrip(request *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(bytes.NewReader(a.body)), Request: request}, nil
}

// answering returns an engine whose connection uses the answers.
func answering(t testing.TB) (*Engine, *answers) {
	t.Helper()
	e, err := NewEngine(Options{Host: "tcp://engine:2375", Namespace: "engine"})
	if err != nil {
		t.Fatal(err)
	}
	// Without TLSNextProto, http.Transport prepares HTTP/2 and makes a TLS configuration. The client would then take
	// the engine for one with TLS.
	a, transport := &answers{}, &http.Transport{TLSNextProto: map[string]func(string, *tls.Conn) http.RoundTripper{}}
	transport.RegisterProtocol("http", a)
	c, err := client.NewClientWithOpts(client.WithHost("tcp://engine:2375"), client.WithHTTPClient(&http.Client{Transport: transport}), client.WithVersion("1.51"))
	if err != nil {
		t.Fatal(err)
	}
	connected := &connection{ctx: t.Context(), client: c, transport: transport, newestAPI: "1.51"}
	connected.imageLists = newImageLists(connected, e.images)
	connected.logFails.Store(true)
	connected.listsParents.Store(true)
	e.use(connected)
	return e, a
}

// observeAnswer reads the answer in every way in which the source reads one. It returns the objects that the subject
// shows.
func observeAnswer(t *testing.T, s source, subject string) map[string]runtime.Object {
	t.Helper()
	_, _ = s.Subjects(t.Context())
	if found, err := s.Lookup(t.Context(), "engine/"+subject[strings.LastIndexByte(subject, '/')+1:]); err == nil && found != "" && found != subject {
		t.Errorf("asked for %s, the answer leads to %q", subject, found)
	}
	objects, _, err := s.Observe(t.Context(), subject)
	if err != nil && len(objects) > 0 {
		t.Errorf("both objects and an error: %v", err)
	}
	again, _, _ := s.Observe(t.Context(), subject)
	if !reflect.DeepEqual(objects, again) {
		t.Errorf("the same answer shows as %+v and as %+v", objects, again)
	}
	for key, object := range objects {
		checkObject(t, key, object)
	}
	return objects
}

// checkObject fails the test unless an API can serve the object under that key.
func checkObject(t *testing.T, key string, object runtime.Object) {
	t.Helper()
	accessor := object.(metav1.Object)
	if key != "engine/"+accessor.GetName() || accessor.GetNamespace() != "engine" || accessor.GetUID() == "" {
		t.Errorf("%s is the key of %+v", key, accessor)
	}
	errs := validation.ValidateObjectMetaAccessor(accessor, true, validateSegment, field.NewPath("metadata"))
	errs = append(errs, metav1validation.ValidateLabels(accessor.GetLabels(), field.NewPath("metadata", "labels"))...)
	errs = append(errs, metav1validation.ValidateConditions(conditionsOf(object), field.NewPath("status", "conditions"))...)
	if len(errs) > 0 {
		t.Errorf("%s is invalid: %v", key, errs)
	}
	text, err := json.Marshal(object)
	if err != nil {
		t.Fatalf("%s cannot be encoded: %v", key, err)
	}
	decoded := reflect.New(reflect.TypeOf(object).Elem()).Interface().(runtime.Object)
	if err := json.Unmarshal(text, decoded); err != nil {
		t.Fatalf("%s cannot be decoded: %v\n%s", key, err, text)
	}
	if !apiequality.Semantic.DeepEqual(object, decoded) {
		t.Errorf("%s comes back as another:\n%+v\n%+v", key, object, decoded)
	}
}

func validateSegment(name string, _ bool) []string { return content.IsPathSegmentName(name) }

func conditionsOf(object runtime.Object) []metav1.Condition {
	switch object := object.(type) {
	case *v1alpha1.Container:
		return object.Status.Conditions
	case *v1alpha1.Image:
		return object.Status.Conditions
	}
	return nil
}

func keys(objects map[string]runtime.Object) []string { return slices.Sorted(maps.Keys(objects)) }

func encoded(t testing.TB, value any) []byte {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// FuzzContainerAnswer promises that a container shows under its name, whatever else Docker's answer says.
func FuzzContainerAnswer(f *testing.F) {
	f.Add(encoded(f, inspected(nil)))
	for _, text := range []string{`null`, `{}`, `[]`, `[{"Id":"` + idA + `"}]`, `{"Id":"` + idA + `"}`, `{"Id":"` + idA + `","Name":"/"}`, `{"Id":"` + idB + `","Name":"/web"}`,
		`{"Id":"` + idA + `","Name":"/../web"}`, `{"Id":"` + idA + `","Name":"web","Created":"9999-12-31T23:59:59-23:59","State":{"StartedAt":"0000-01-01T00:00:00Z","FinishedAt":"0001-01-01T00:00:00-10:00"}}`,
		`{"Id":"` + idA + `","Name":"/web","State":null,"Config":null,"HostConfig":null,"NetworkSettings":null}`,
		`{"Id":"` + idA + `","Name":"/web","State":{"Status":"exited","ExitCode":3221225786,"Error":"` + strings.Repeat("x", 40_000) + `"}}`,
		`{"Id":"` + idA + `","Name":"/web","State":{"Status":"removing","Dead":true,"OOMKilled":true,"Health":{"Status":"healthy","Log":[null]}},"Config":{"Labels":{"":"","a/b/c":"d","ok":"yes"},"StopTimeout":-1}}`,
		`{"Id":"` + idA + `","Name":"/web","Config":{"StopTimeout":9223372036854775807,"ExposedPorts":{"":{},"x":{},"80/tcp":{}}},"HostConfig":{"PortBindings":{"80/tcp":null}},"NetworkSettings":{"Ports":{"80/tcp":[{"HostIp":"::","HostPort":"-1"},{}]}}}`,
	} {
		f.Add([]byte(text))
	}
	e, a := answering(f)
	f.Fuzz(func(t *testing.T, answer []byte) {
		a.body = answer
		objects := observeAnswer(t, e.Containers(), idA)
		var response container.InspectResponse
		if json.Unmarshal(answer, &response) != nil || response.ContainerJSONBase == nil {
			return
		}
		var want []string
		if response.ID == idA {
			want = []string{"engine/" + containers.ObjectName(containerName(&response))}
		}
		if got := keys(objects); !slices.Equal(got, want) {
			t.Errorf("shows as %q, want %q", got, want)
		}
		if timeout := e.Containers().StopTimeout(idA); timeout < 0 {
			t.Errorf("the stop timeout is %v", timeout)
		}
	})
}

// FuzzImageAnswer promises that an image shows under each of its tags, or under its ID if it has none, whatever else
// Docker's answer says.
func FuzzImageAnswer(f *testing.F) {
	f.Add(encoded(f, imageResponse("docker.io/library/busybox:latest", "localhost:5000/a/b:v1")))
	f.Add(encoded(f, imageResponse()))
	id := "sha256:" + idA
	for _, text := range []string{`null`, `{}`, `[]`, `{"Id":"` + id + `"}`, `{"Id":"` + idA + `"}`, `{"Id":"` + id + `","RepoTags":["<none>:<none>","","..:x","a/../b:c","A:b","busybox","a:b@` + id + `"]}`,
		`{"Id":"` + id + `","RepoTags":["a:b","a:b","docker.io/library/a:b"],"RepoDigests":["<none>@<none>","x"],"Created":"9999-12-31T23:59:59-23:59","Size":-1}`,
		`{"Id":"sha256:` + idB + `","RepoTags":["a:b"]}`, `{"Id":"` + id + `","Config":{"Labels":{"a b":"c","ok":"yes"}},"Parent":"../x"}`, `[{"Id":"` + id + `"},{"Id":"x"}]`,
	} {
		f.Add([]byte(text))
	}
	e, a := answering(f)
	f.Fuzz(func(t *testing.T, answer []byte) {
		a.body = answer
		objects := observeAnswer(t, e.Images(), id)
		var response image.InspectResponse
		if json.Unmarshal(answer, &response) != nil {
			return
		}
		var want []string
		if imageID(response.ID) == id {
			for _, tag := range tagsOf(&response) {
				want = append(want, "engine/"+nameOfTag(tag))
			}
			if len(want) == 0 {
				want = []string{"engine/" + id}
			}
		}
		slices.Sort(want)
		if got := keys(objects); !slices.Equal(got, want) {
			t.Errorf("shows as %q, want %q", got, want)
		}
	})
}

// FuzzVolumeAnswer promises that a volume shows under its name, whatever else Docker's answer says.
func FuzzVolumeAnswer(f *testing.F) {
	f.Add(encoded(f, volume.Volume{Name: "data", Driver: "local", CreatedAt: createdAt, Mountpoint: "/v", Scope: "local", Labels: map[string]string{"a": "b"}}))
	for _, text := range []string{`null`, `{}`, `[]`, `{"Name":"data"}`, `{"Name":"../data"}`, `{"Name":"data","CreatedAt":"9999-12-31T23:59:59-23:59","Labels":{"":"x"},"Options":{"":""},"Status":{"a":[null]},"UsageData":{"Size":-1}}`,
		`{"Volumes":[null]}`, `{"Volumes":[{"Name":"data"},{"Name":".."}],"Warnings":null}`, `{"Name":"data"}0`,
	} {
		f.Add([]byte(text))
	}
	e, a := answering(f)
	f.Fuzz(func(t *testing.T, answer []byte) {
		a.body = answer
		objects := observeAnswer(t, e.Volumes(), e.Volumes().lives.use("data", ""))
		var response volume.Volume
		if json.NewDecoder(bytes.NewReader(answer)).Decode(&response) != nil {
			return
		}
		var listed volume.ListResponse
		if json.Unmarshal(answer, &listed) == nil && len(listed.Volumes) > 0 {
			return // it may be a plugin's volume, which Docker lists but does not find
		}
		var want []string
		if response.Name == "data" {
			want = []string{"engine/data"}
		}
		if got := keys(objects); !slices.Equal(got, want) {
			t.Errorf("shows as %q, want %q", got, want)
		}
	})
}

// FuzzEvents promises that any text of events marks only subjects that Docker can have. It also promises that the log
// does not mark again what the stream has marked.
func FuzzEvents(f *testing.F) {
	for _, seed := range []string{
		"", "null", "{}", "[]", "{", `{"Type":"container","Action":"die","Actor":{"ID":"` + idA + `"},"timeNano":1}`, `{"Type":"container","Action":"die","Actor":{"ID":"../x"}}`,
		`{"Type":"image","Action":"pull","Actor":{"ID":"busybox"}}` + "\n" + `{"Type":"image","Action":"untag","Actor":{"ID":"sha256:` + idA + `"}}`, `{"Type":"image","Action":"tag","Actor":{"ID":"a/../b"}}`,
		`{"Type":"volume","Action":"create","Actor":{"ID":"data"}}` + "\n\n" + `{"Type":"volume","Action":"create","Actor":{"ID":"data"}}`, `{"Type":"volume","Action":"prune","Actor":null,"timeNano":9223372036854775807}`,
		`{"Type":"container","Action":"exec_create: sh","Actor":{"ID":"` + idA + `","Attributes":{"exitCode":"1"}},"timeNano":-9223372036854775808}`, `{"Type":"network","Action":"connect","Actor":{"ID":"x"}}`,
		`{"Type":"container","Action":"commit","Actor":{"ID":"` + idA + `"},"time":1e400}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var marks []mark
		feed := newFeed(func(m mark) { marks = append(marks, m) })
		var lines [][]byte
		err := eachLine(bytes.NewReader(text), func(line []byte) error {
			lines = append(lines, bytes.Clone(line))
			return feed.streamed(line)
		})
		for _, m := range marks {
			valid := map[events.Type]func(string) bool{
				events.ContainerEventType: segments["{id}"], events.ImageEventType: segments["{reference}"],
				events.VolumeEventType: func(name string) bool { return name != "" },
			}[m.kind]
			if valid == nil || m.subject != "" && !valid(m.subject) {
				t.Errorf("an event marks %q of %q", m.subject, m.kind)
			}
		}
		if err != nil {
			return
		}
		before := len(marks)
		if _, err := feed.logged(lines); err != nil || len(marks) != before {
			t.Errorf("the log brings %v again, %v", marks[before:], err)
		}
		if _, nano, ok := feed.since(); ok {
			logSince(nano)
		}
	})
}
