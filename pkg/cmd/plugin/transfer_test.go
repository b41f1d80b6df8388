// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package plugin

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/distribution/reference"
	"github.com/docker/cli/cli/config"
	"github.com/docker/docker/api/types/registry"
	"k8s.io/cli-runtime/pkg/genericiooptions"
)

// The statuses of a request.
const (
	running  = `{"message":"Pulling from library/busybox"}`
	complete = `{"digest":"sha256:0123","message":"Downloaded newer image for busybox:latest","conditions":[{"type":"Complete","status":"True"},{"type":"Finished","status":"True"}]}`
	failed   = `{"conditions":[{"type":"Failed","status":"True","reason":"NotFound","message":"manifest unknown"},{"type":"Finished","status":"True"}]}`
)

// pulls is a server whose pulls have faults that a real one cannot be made to show. Every function answers one request.
type pulls struct {
	log, get, watch http.HandlerFunc
	// deleted counts the requests to delete a pull.
	deleted int
}

func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(code)
		fmt.Fprintf(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","code":%d,"reason":%q,"message":"refused","details":{"name":"pull","kind":"imagepullrequests"}}`,
			code, map[int]string{403: "Forbidden", 404: "NotFound"}[code])
	}
}

// pull returns the object with a status.
func pull(status string) string {
	return `{"kind":"ImagePullRequest","apiVersion":"containers.rancherdesktop.io/v1alpha1","metadata":{"name":"pull","resourceVersion":"5"},"status":` + status + `}`
}

func answer(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, body)
	}
}

// inTurn answers each request with the next handler, and all later ones with the last.
func inTurn(handlers ...http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		handlers[0](w, r)
		handlers = handlers[min(1, len(handlers)-1):]
	}
}

func event(kind, status string) http.HandlerFunc {
	return answer(fmt.Sprintf(`{"type":%q,"object":%s}`, kind, pull(status)))
}

// ServeHTTP implements http.Handler.
func (p *pulls) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.Method == http.MethodPost:
		w.WriteHeader(http.StatusCreated)
		answer(pull(running))(w, r)
	case r.Method == http.MethodDelete:
		p.deleted++
		answer(`{"kind":"Status","apiVersion":"v1","status":"Success"}`)(w, r)
	case strings.HasSuffix(r.URL.Path, "/log"):
		p.log(w, r)
	case r.URL.Query().Get("watch") != "":
		p.watch(w, r)
	default:
		p.get(w, r)
	}
}

func TestTheOutcomeOfAPullIsThatOfItsStatus(t *testing.T) {
	config.SetDir(t.TempDir())
	t.Setenv("KUBECONFIG", t.TempDir()+"/absent")
	log := answer(`{"status":"Pulling from library/busybox","id":"latest"}` + "\n" + `{"status":"Digest: sha256:0123"}` + "\n")
	cut := func(w http.ResponseWriter, r *http.Request) {
		answer(`{"status":"Pulling from library/busybox","id":"latest"}`+"\n")(w, r)
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
	const (
		begun   = "Using default tag: latest\n"
		name    = "docker.io/library/busybox:latest\n"
		from    = "latest: Pulling from library/busybox\n"
		digest  = "Digest: sha256:0123\n"
		summary = digest + "Status: Downloaded newer image for busybox:latest\n"
		cannot  = "error: cannot pull busybox:latest: "
	)
	for what, test := range map[string]struct {
		server         pulls
		stdout, stderr string
	}{
		"is shown by the log":                        {pulls{log: log, get: answer(pull(complete))}, begun + from + digest + name, ""},
		"comes after the log":                        {pulls{log: log, get: inTurn(answer(pull(running)), answer(pull(complete))), watch: event("MODIFIED", complete)}, begun + from + digest + name, ""},
		"comes after a watch that ended":             {pulls{log: log, get: inTurn(answer(pull(running)), answer(pull(running)), answer(pull(complete))), watch: event("MODIFIED", running)}, begun + from + digest + name, ""},
		"is shown without a right to the log":        {pulls{log: status(403), get: answer(pull(complete))}, begun + summary + name, ""},
		"is shown after a log that was cut":          {pulls{log: cut, get: answer(pull(complete))}, begun + from + summary + name, ""},
		"is Docker's error":                          {pulls{log: answer(`{"errorDetail":{"message":"manifest unknown"}}`), get: answer(pull(failed))}, begun, cannot + "manifest unknown\n"},
		"is Docker's error without the log":          {pulls{log: status(403), get: answer(pull(failed))}, begun, cannot + "manifest unknown\n"},
		"is unknown after a restart of the server":   {pulls{log: cut, get: status(404)}, begun + from, cannot + errGone.Error() + "\n"},
		"is unknown after somebody has deleted it":   {pulls{log: log, get: inTurn(answer(pull(running)), status(404)), watch: event("DELETED", running)}, begun + from + digest, cannot + errGone.Error() + "\n"},
		"cannot be watched by those without a right": {pulls{log: log, get: answer(pull(running)), watch: status(403)}, begun + from + digest, cannot + "refused\n"},
	} {
		server := httptest.NewServer(&test.server)
		stdout, stderr, code := run("pull", "busybox", "--server", server.URL, "-n", "somewhere")
		server.Close()
		if stdout != test.stdout || stderr != test.stderr || (code == 0) != (test.stderr == "") {
			t.Errorf("the outcome %s: exit code %d\n%q\n%q", what, code, stdout, stderr)
		}
		if test.server.deleted > 0 {
			t.Errorf("the outcome %s: the pull was cancelled", what)
		}
	}
}

func TestAServerWithoutPullsSaysSo(t *testing.T) {
	config.SetDir(t.TempDir())
	t.Setenv("KUBECONFIG", t.TempDir()+"/absent")
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/v1alpha1") {
			answer(`{"kind":"APIResourceList","apiVersion":"v1","groupVersion":"containers.rancherdesktop.io/v1alpha1","resources":[{"name":"images"}]}`)(w, r)
			return
		}
		http.NotFound(w, r)
	}))
	t.Cleanup(server.Close)
	for verb, resource := range map[string]string{"pull": "imagepullrequests", "push": "imagepushrequests"} {
		_, stderr, code := run(verb, "-q", "busybox", "--server", server.URL, "-n", "somewhere")
		want := fmt.Sprintf("error: cannot %s busybox:latest: the server does not serve %s: it is older than this plugin, or its --engine-access does not allow it\n", verb, resource)
		if stderr != want || code != 1 {
			t.Errorf("exit code %d\n%s", code, stderr)
		}
	}
}

// configure makes a docker configuration and a credential helper, docker-credential-ours, that says this.
func configure(t *testing.T, configuration, helper string) {
	t.Helper()
	directory := t.TempDir()
	for name, content := range map[string]string{"config.json": configuration, "docker-credential-ours": "#!/bin/sh\n" + helper} {
		if err := os.WriteFile(filepath.Join(directory, name), []byte(content), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	config.SetDir(directory)
	t.Setenv("PATH", directory+string(os.PathListSeparator)+os.Getenv("PATH"))
}

func TestCredentialsAreThoseOfDockerForTheRegistryOfTheImage(t *testing.T) {
	auth := base64.StdEncoding.EncodeToString([]byte("me:secret"))
	configure(t, fmt.Sprintf(`{"auths":{"https://index.docker.io/v1/":{"auth":%q},"127.0.0.1:5000":{"identitytoken":"token"}},"credHelpers":{"helped.example.com":"ours"}}`, auth),
		`read server; echo "{\"ServerURL\":\"$server\",\"Username\":\"helped\",\"Secret\":\"of $server\"}"`)
	for image, want := range map[string]registry.AuthConfig{
		"busybox":                 {Username: "me", Password: "secret", ServerAddress: "https://index.docker.io/v1/"},
		"127.0.0.1:5000/a/b:v1":   {IdentityToken: "token", ServerAddress: "127.0.0.1:5000"},
		"helped.example.com/a":    {Username: "helped", Password: "of helped.example.com", ServerAddress: "helped.example.com"},
		"another.example.com/a/b": {},
	} {
		named, err := reference.ParseNormalizedNamed(image)
		if err != nil {
			t.Fatal(err)
		}
		streams, _, out, errOut := genericiooptions.NewTestIOStreams()
		header := (&plugin{IOStreams: streams}).registryAuth(named)
		var got registry.AuthConfig
		if header != "" {
			decoded, err := base64.URLEncoding.DecodeString(header)
			if err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(decoded, &got); err != nil {
				t.Fatal(err)
			}
		}
		if got != want || out.String()+errOut.String() != "" {
			t.Errorf("%s: %+v, want %+v\n%s%s", image, got, want, out, errOut)
		}
	}
}

func TestAHelperThatFailsIsAWarningThatTellsNothing(t *testing.T) {
	configure(t, `{"credsStore":"ours"}`, "echo my secret; echo another secret >&2; exit 1")
	named, err := reference.ParseNormalizedNamed("registry.example.com/a")
	if err != nil {
		t.Fatal(err)
	}
	streams, _, out, errOut := genericiooptions.NewTestIOStreams()
	header := (&plugin{IOStreams: streams}).registryAuth(named)
	want := "warning: the credential helper that your docker configuration names has failed, so registry.example.com gets no credentials\n"
	if header != "" || out.String() != "" || errOut.String() != want {
		t.Errorf("%q %q %q", header, out, errOut)
	}
}

func TestLoginIsDockers(t *testing.T) {
	for _, arguments := range [][]string{{"login"}, {"login", "-u", "me", "--password-stdin", "registry.example.com"}} {
		stdout, stderr, code := run(arguments...)
		if stdout != "" || code != 1 || stderr != "error: log in with docker login: kubectl engine takes the credentials from docker's configuration and its credential helpers\n" {
			t.Errorf("exit code %d\n%s%s", code, stdout, stderr)
		}
	}
}
