// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package transfers

import (
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/containerd/errdefs"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/connection"
)

// recorder is a Report that keeps what it is told.
type recorder struct{ told, log []string }

func (r *recorder) tell(format string, args ...any) {
	r.told = append(r.told, fmt.Sprintf(format, args...))
}

func (r *recorder) Layer(id, phase string, current, total int64) {
	r.tell("%s %s %d/%d", id, phase, current, total)
}
func (r *recorder) Complete(id, phase string)      { r.tell("%s complete", id) }
func (r *recorder) Message(message string)         { r.tell("message %s", message) }
func (r *recorder) Digest(digest string)           { r.tell("digest %s", digest) }
func (r *recorder) Log(key string, message []byte) { r.log = append(r.log, key+"|"+string(message)) }

func TestWhatDockerSaysIsReported(t *testing.T) {
	for message, want := range map[string][]string{
		`{"status":"Pulling from library/busybox","id":"latest"}`:                                       {"message Pulling from library/busybox"},
		`{"status":"Pulling fs layer","progressDetail":{},"id":"1"}`:                                    {"1 Pulling fs layer 0/0"},
		`{"status":"Downloading","progressDetail":{"current":5,"total":10},"progress":"[=>]","id":"1"}`: {"1 Downloading 5/10"},
		`{"status":"Downloading","progressDetail":{"current":5,"total":-1},"id":"1"}`:                   {"1 Downloading 5/0"},
		`{"status":"Downloading","progressDetail":{"current":5},"id":"1"}`:                              {"1 Downloading 5/0"},
		`{"status":"Pushing","progressDetail":{"current":5,"total":10},"id":"1"}`:                       {"1 Pushing 5/10"},
		`{"status":"Extracting","progressDetail":{"current":5,"total":10},"id":"1"}`:                    {"1 Extracting 0/0", "1 complete"},
		`{"status":"Extracting","progressDetail":{"current":5,"units":"s"},"id":"1"}`:                   {"1 Extracting 0/0", "1 complete"},
		`{"status":"Retrying in 5 seconds","progressDetail":{},"id":"1"}`:                               {"1 Retrying in 5 seconds 0/0"},
		`{"status":"Pull complete","progressDetail":{},"id":"1"}`:                                       {"1 Pull complete 0/0", "1 complete"},
		`{"status":"Already exists","progressDetail":{},"id":"1"}`:                                      {"1 Already exists 0/0"},
		`{"status":"Layer already exists","progressDetail":{},"id":"1"}`:                                {"1 Layer already exists 0/0"},
		`{"status":"Digest: sha256:1"}`:                                                                 {"digest sha256:1"},
		`{"status":"v1: digest: sha256:1 size: 528"}`:                                                   {"digest sha256:1", "message v1: digest: sha256:1 size: 528"},
		`{"progressDetail":{},"aux":{"Tag":"v1","Digest":"sha256:1","Size":528}}`:                       {"digest sha256:1"},
		`{"aux":"text"}`: nil,
		`{"status":"Status: Image is up to date for busybox:latest"}`: {"message Image is up to date for busybox:latest"},
		`{}`: nil,
	} {
		r := &recorder{}
		if _, err := read(strings.NewReader(message), r); err != nil || !slices.Equal(r.told, want) {
			t.Errorf("%s: %q %v", message, r.told, err)
		}
		if len(r.log) != 1 || !strings.HasSuffix(r.log[0], "|"+message) {
			t.Errorf("%s: the log %q", message, r.log)
		}
	}
}

func TestOnlyProgressReplacesAMessage(t *testing.T) {
	for message, want := range map[string]string{
		`{"status":"Downloading","progressDetail":{"current":5,"total":10},"id":"1"}`: "1 Downloading",
		`{"status":"Extracting","progressDetail":{"current":5,"total":10},"id":"1"}`:  "1 Extracting",
		`{"status":"Pull complete","progressDetail":{},"id":"1"}`:                     "",
		`{"status":"Digest: sha256:1"}`:                                               "",
	} {
		r := &recorder{}
		if _, err := read(strings.NewReader(message), r); err != nil || r.log[0] != want+"|"+message {
			t.Errorf("%s: %q %v", message, r.log, err)
		}
	}
}

func TestAnErrorAmongTheMessagesIsAFailureWithDockersWords(t *testing.T) {
	for _, message := range []string{
		`{"errorDetail":{"message":"manifest unknown"},"error":"manifest unknown"}`,
		`{"error":"manifest unknown"}`,
		`{"errorDetail":{"code":404,"message":"manifest unknown"}}`,
	} {
		r := &recorder{}
		said, err := read(strings.NewReader(`{"status":"Pulling from library/busybox","id":"latest"}`+"\n"+message), r)
		if err == nil || err.Error() != "manifest unknown" || !said.failed || len(r.log) != 2 {
			t.Errorf("%s: %v %+v %q", message, err, said, r.log)
		}
	}
}

func TestMessagesThatBreakOffAreNoEnd(t *testing.T) {
	for _, text := range []string{`{"status":"Pull`, `{"status":1}`, `nonsense`, `[]`} {
		if said, err := read(strings.NewReader(text), &recorder{}); err == nil || said.failed {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestAFailureHasTheReasonThatDockersWordsGive(t *testing.T) {
	for words, want := range map[string]string{
		"write /var/lib/docker/tmp/x: no space left on device": v1alpha1.RequestNoSpace,
		"failed to register layer: disk quota exceeded":        v1alpha1.RequestNoSpace,
		"pull access denied for nobody/none, repository does not exist or may require 'docker login': denied: requested access to the resource is denied": v1alpha1.RequestUnauthorized,
		`Head "http://127.0.0.1:5000/v2/team/tool/manifests/v1": no basic auth credentials`:                                                               v1alpha1.RequestUnauthorized,
		"unauthorized: incorrect username or password":                                                                                                    v1alpha1.RequestUnauthorized,
		"unauthorized: authentication required":                                                                                                           v1alpha1.RequestUnauthorized,
		"manifest for busybox:none not found: manifest unknown: manifest unknown":                                                                         v1alpha1.RequestNotFound,
		"name unknown: repository name not known to registry":                                                                                             v1alpha1.RequestNotFound,
		"no matching manifest for linux/arm64/v8 in the manifest list entries":                                                                            v1alpha1.RequestNotFound,
		"An image does not exist locally with the tag: team/tool":                                                                                         v1alpha1.RequestNotFound,
		"context canceled": v1alpha1.RequestEngineLost,
		`Get "http://127.0.0.1:1/v2/": dial tcp 127.0.0.1:1: connect: connection refused`:     v1alpha1.RequestFailedOtherwise,
		`Get "https://registry.example/v2/": dial tcp: lookup registry.example: no such host`: v1alpha1.RequestFailedOtherwise,
		"filesystem layer verification failed for digest sha256:1":                            v1alpha1.RequestFailedOtherwise,
		"toomanyrequests: You have reached your pull rate limit":                              v1alpha1.RequestFailedOtherwise,
	} {
		if got := failureOf(errors.New("Error response from daemon: " + words)); got.Reason != want || got.Error() != words {
			t.Errorf("%s: %s, want %s", words, got.Reason, want)
		}
	}
	for want, err := range map[string]error{
		v1alpha1.RequestEngineLost:   connection.Unavailable("no engine"),
		v1alpha1.RequestUnauthorized: fmt.Errorf("x: %w", errdefs.ErrUnauthenticated),
		v1alpha1.RequestNotFound:     fmt.Errorf("x: %w", errdefs.ErrNotFound),
		v1alpha1.RequestNoSpace:      fmt.Errorf("x: %w", &Failure{v1alpha1.RequestNoSpace, io.EOF}),
	} {
		if got := failureOf(err); got.Reason != want {
			t.Errorf("%v: %s, want %s", err, got.Reason, want)
		}
	}
	if got := failureOf(&net.OpError{Op: "read", Err: errors.New("connection reset by peer")}); got.Reason != v1alpha1.RequestEngineLost {
		t.Errorf("%+v", got)
	}
}

func TestTextIsWhatTheDockerCommandPrintsWithoutATerminal(t *testing.T) {
	for message, want := range map[string]string{
		`{"status":"Pulling from library/busybox","id":"latest"}`:                                       "latest: Pulling from library/busybox\n",
		`{"status":"Pull complete","progressDetail":{},"id":"1"}`:                                       "1: Pull complete\n",
		`{"status":"Downloading","progressDetail":{"current":5,"total":10},"progress":"[=>]","id":"1"}`: "",
		`{"status":"Status: Image is up to date for busybox:latest"}`:                                   "Status: Image is up to date for busybox:latest\n",
		`{"errorDetail":{"message":"manifest unknown"},"error":"manifest unknown"}`:                     "manifest unknown\n",
		string(ErrorMessage(errors.New(`the "end"`))):                                                   "the \"end\"\n",
		`{"error":"manifest unknown"}`:                                                                  "manifest unknown\n",
		`nonsense`:                                                                                      "",
	} {
		if got := string(Text([]byte(message))); got != want {
			t.Errorf("%s: %q", message, got)
		}
	}
}

func TestAnImageIsWhatItsReferenceMeans(t *testing.T) {
	const digest = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	for reference, want := range map[string][3]string{
		"busybox":                        {"busybox:latest", "docker.io", ""},
		"docker.io/library/busybox:1":    {"busybox:1", "docker.io", ""},
		"127.0.0.1:5000/team/tool:v1":    {"127.0.0.1:5000/team/tool:v1", "127.0.0.1:5000", ""},
		"busybox@" + digest:              {"busybox@" + digest, "docker.io", digest},
		"ghcr.io/team/tool:v1@" + digest: {"ghcr.io/team/tool@" + digest, "ghcr.io", digest},
	} {
		image, err := Parse(reference)
		if got := [3]string{image.String(), image.Registry(), image.digest()}; err != nil || got != want {
			t.Errorf("%s: %q %v", reference, got, err)
		}
	}
	if _, err := Parse("Busybox"); err == nil {
		t.Error("a reference that is none")
	}
}
