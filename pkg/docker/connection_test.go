// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package docker

import (
	"context"
	"crypto/tls"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/docker/cli/cli/config"
	dockercontext "github.com/docker/cli/cli/context"
	contextdocker "github.com/docker/cli/cli/context/docker"
	"github.com/docker/cli/cli/context/store"
	"github.com/docker/docker/client"
)

// home gives the test its own directory and environment variables for the docker command.
func home(t *testing.T) string {
	t.Helper()
	before := config.Dir()
	dir := t.TempDir()
	config.SetDir(dir)
	t.Cleanup(func() { config.SetDir(before) })
	for _, name := range []string{"DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_TLS", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH"} {
		t.Setenv(name, "")
	}
	return dir
}

// addContext does the same as docker context create.
func addContext(t *testing.T, name, host string, tls *dockercontext.TLSData) {
	t.Helper()
	contexts := store.New(config.ContextStoreDir(), store.NewConfig(func() any { return &map[string]any{} },
		store.EndpointTypeGetter(contextdocker.DockerEndpoint, func() any { return &contextdocker.EndpointMeta{} })))
	must(t, contexts.CreateOrUpdate(store.Metadata{Name: name, Endpoints: map[string]any{
		contextdocker.DockerEndpoint: contextdocker.EndpointMeta{Host: host}}}))
	if tls != nil {
		must(t, contexts.ResetEndpointTLSMaterial(name, contextdocker.DockerEndpoint, tls.ToStoreTLSData()))
	}
}

func TestTheEngineIsTheOneThatTheDockerCommandUses(t *testing.T) {
	dir := home(t)
	addContext(t, "remote", "tcp://remote:2375", nil)
	addContext(t, "other", "ssh://me@other", nil)
	write := func(file string) { must(t, os.WriteFile(filepath.Join(dir, "config.json"), []byte(file), 0o600)) }
	for _, step := range []struct {
		what string
		do   func()
		flag string
		want string
	}{
		{"nothing is set", func() {}, "", client.DefaultDockerHost},
		{"a current context", func() { write(`{"currentContext":"remote","HttpHeaders":{"X-A":"b"}}`) }, "", "tcp://remote:2375 (docker context remote)"},
		{"$DOCKER_CONTEXT", func() { t.Setenv("DOCKER_CONTEXT", "other") }, "", "ssh://me@other (docker context other)"},
		{"the default context", func() { t.Setenv("DOCKER_CONTEXT", "default") }, "", client.DefaultDockerHost},
		{"$DOCKER_HOST", func() { t.Setenv("DOCKER_HOST", "tcp://host") }, "", "tcp://host:2375"},
		{"--docker-host", func() {}, "unix:///run/x.sock", "unix:///run/x.sock"},
		{"--docker-host by ssh", func() {}, "ssh://me@there", "ssh://me@there"},
	} {
		step.do()
		e, err := resolve(step.flag)
		if err != nil {
			t.Errorf("%s: %v", step.what, err)
		} else if e.String() != step.want {
			t.Errorf("%s: %s", step.what, e)
		}
	}
}

func TestMistakesInTheAddressAreOneClearLine(t *testing.T) {
	dir := home(t)
	for what, test := range map[string]struct {
		set  func()
		flag string
		want string
	}{
		"an unknown context":  {func() { t.Setenv("DOCKER_CONTEXT", "nope") }, "", `docker context "nope"`},
		"no address":          {func() {}, "ftp://x", `docker host "ftp://x" is not an address`},
		"a bad ssh address":   {func() {}, "ssh://me@x/path/../y?z", "ssh://me@x"},
		"a bad port":          {func() {}, "tcp://x:y", `docker host "tcp://x:y" is not an address`},
		"missing certificate": {func() { t.Setenv("DOCKER_TLS_VERIFY", "1"); t.Setenv("DOCKER_CERT_PATH", filepath.Join(dir, "none")) }, "tcp://x:2376", "reading the certificates for tcp://x:2376"},
	} {
		t.Setenv("DOCKER_CONTEXT", "")
		test.set()
		_, err := NewEngine(Options{Host: test.flag})
		if !contains(err, test.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", what, err)
		}
	}
	must(t, os.WriteFile(filepath.Join(dir, "config.json"), []byte("{"), 0o600))
	if _, err := NewEngine(Options{}); !contains(err, "configuration") {
		t.Errorf("%v", err)
	}
}

func TestAPathWithoutASchemeIsRefusedWithTheAddressThatItMeans(t *testing.T) {
	dir := home(t)
	socket := filepath.Join(dir, "engine.sock")
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "unix", socket)
	must(t, err)
	t.Cleanup(func() { listener.Close() })
	t.Chdir(dir)
	for host, want := range map[string]string{
		"/run/docker.sock":           "use unix:///run/docker.sock",
		" /run/docker.sock":          "use unix:///run/docker.sock",
		"./other.sock":               "use unix://" + filepath.Join(dir, "other.sock"),
		"../other.sock":              "use unix://" + filepath.Join(filepath.Dir(dir), "other.sock"),
		"engine.sock":                "use unix://" + socket,
		"unix:/run/docker.sock":      "use unix:///run/docker.sock",
		"~/docker.sock":              "use unix:///",
		`\\.\pipe\docker_engine`:     "use npipe:////./pipe/docker_engine",
		"//./pipe/docker_engine":     "use npipe:////./pipe/docker_engine",
		"tcp//localhost:2375":        "use tcp://localhost:2375",
		"tcp:/localhost:2375":        "use tcp://localhost:2375",
		"ssh:/host":                  "use ssh://host",
		"tcp:2375":                   "",
		"npipe://./pipe/engine":      "",
		"other.sock":                 "",
		"localhost":                  "",
		"localhost:2375":             "",
		"unix:2375":                  "",
		"[::1]:2375":                 "",
		"unix:///run/docker.sock":    "",
		"tcp://localhost:2375/below": "",
		"":                           "",
	} {
		err := checkScheme("docker host", host)
		if want == "" && err != nil || want != "" && !contains(err, want) {
			t.Errorf("%q: %v", host, err)
		}
	}
	addContext(t, "path", "/run/docker.sock", nil)
	for source, set := range map[string]func() string{
		`docker host "/run/docker.sock"`:                         func() string { return "/run/docker.sock" },
		`$DOCKER_HOST "/run/docker.sock"`:                        func() string { t.Setenv("DOCKER_HOST", "/run/docker.sock"); return "" },
		`docker context "path": the host "/run/docker.sock" has`: func() string { t.Setenv("DOCKER_CONTEXT", "path"); return "" },
	} {
		t.Setenv("DOCKER_HOST", "")
		t.Setenv("DOCKER_CONTEXT", "")
		if _, err := NewEngine(Options{Host: set()}); !contains(err, source) || !contains(err, "use unix:///run/docker.sock") {
			t.Errorf("%s: %v", source, err)
		}
	}
}

func TestWhoeverDoesNotAgreeOnTLSIsToldTheWayOut(t *testing.T) {
	dir := home(t)
	start := func(start func(*httptest.Server), requireCertificate bool) (host string, ca []byte) {
		server := httptest.NewUnstartedServer(http.NotFoundHandler())
		server.Config.ErrorLog = log.New(io.Discard, "", 0)
		if requireCertificate {
			server.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert}
		}
		start(server)
		t.Cleanup(server.Close)
		if certificate := server.Certificate(); certificate != nil {
			ca = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Raw})
		}
		return "tcp://" + server.Listener.Addr().String(), ca
	}
	secure, ca := start((*httptest.Server).StartTLS, false)
	strict, _ := start((*httptest.Server).StartTLS, true)
	plain, _ := start((*httptest.Server).Start, false)
	must(t, os.WriteFile(filepath.Join(dir, "ca.pem"), ca, 0o600))
	addContext(t, "plain", plain, &dockercontext.TLSData{CA: ca})
	addContext(t, "secure", secure, nil)
	for what, test := range map[string]struct {
		host, env, context string
		want               []string
	}{
		"TLS is not spoken":              {secure, "", "", []string{secure, "speaks TLS", "set DOCKER_TLS_VERIFY=1 and DOCKER_CERT_PATH"}},
		"TLS is not spoken by a context": {"", "", "secure", []string{secure, "speaks TLS", "docker context update"}},
		"TLS is spoken":                  {plain, "DOCKER_TLS_VERIFY", "", []string{plain, "does not speak TLS", "unset DOCKER_TLS_VERIFY"}},
		"TLS is spoken by a context":     {"", "", "plain", []string{plain, "does not speak TLS", "context without certificates"}},
		"a client without a certificate": {strict, "DOCKER_TLS_VERIFY", "", []string{strict, "certificate", "cert.pem and key.pem"}},
	} {
		for _, name := range []string{"DOCKER_TLS_VERIFY", "DOCKER_CONTEXT"} {
			t.Setenv(name, "")
		}
		if test.env != "" {
			t.Setenv(test.env, "1")
		}
		t.Setenv("DOCKER_CONTEXT", test.context)
		e, err := resolve(test.host)
		must(t, err)
		c, _, err := e.client()
		must(t, err)
		if _, err = c.Ping(t.Context()); err == nil {
			t.Errorf("%s: the engine answers", what)
			continue
		}
		for _, words := range test.want {
			if explained := e.explain(err); !contains(explained, words) {
				t.Errorf("%s: %q is not in %q, which explains %v", what, words, explained, err)
			}
		}
	}
}

func TestMessagesNameNoPassword(t *testing.T) {
	home(t)
	for host, want := range map[string]string{
		"ssh://me:secret@there":       "ssh://me@there",
		"ssh://me@there":              "ssh://me@there",
		"unix:///run/docker.sock":     "unix:///run/docker.sock",
		"tcp://a:secret@b:secret@c:1": "tcp://a@c:1",
		"secret@x":                    "x",
	} {
		if got := withoutSecrets(host); got != want {
			t.Errorf("%s became %s", host, got)
		}
	}
	for _, host := range []string{"ssh://me:secret@there", "tcp://me:secret@there:1", "ftp://me:secret@there", "tcp://me:secret@th ere:1"} {
		e, err := NewEngine(Options{Host: host})
		if err == nil {
			err = e.endpoint.explain(fmt.Errorf("Get %q: x", e.endpoint.docker.Host))
		}
		if contains(err, "secret") {
			t.Errorf("%v", err)
		}
	}
}

func TestWhyTheEngineDoesNotAnswer(t *testing.T) {
	unix := &endpoint{context: "default", docker: contextdocker.Endpoint{EndpointMeta: contextdocker.EndpointMeta{Host: "unix:///run/x.sock"}}}
	tcp := &endpoint{context: "remote", docker: contextdocker.Endpoint{EndpointMeta: contextdocker.EndpointMeta{Host: "tcp://x:1"}}}
	dial := func(errno error) error {
		return &url.Error{Op: "Get", URL: "http://x", Err: &net.OpError{Op: "dial", Net: "unix", Err: os.NewSyscallError("connect", errno)}}
	}
	relative := &endpoint{context: "default", docker: contextdocker.Endpoint{EndpointMeta: contextdocker.EndpointMeta{Host: "unix://run/x.sock"}}}
	dir := t.TempDir()
	directory := &endpoint{context: "default", docker: contextdocker.Endpoint{EndpointMeta: contextdocker.EndpointMeta{Host: "unix://" + dir}}}
	for _, test := range []struct {
		at   *endpoint
		err  error
		want string
	}{
		{unix, dial(syscall.EACCES), "no permission to use the container engine's socket /run/x.sock: add yourself to the docker group or choose --docker-host"},
		{unix, dial(syscall.ENOENT), "no container engine listens on unix:///run/x.sock"},
		{relative, dial(syscall.ENOENT), "no container engine listens on unix://run/x.sock, which is a relative path: did you mean unix:///run/x.sock?"},
		//lint:ignore SA1019 no other function makes this error of the client
		{directory, client.ErrorConnectionFailed("unix://" + dir), "no container engine listens on unix://" + dir + ", which is a directory"},
		{tcp, errors.New(`Get "https://x": net/http: HTTP/1.x transport connection broken: malformed HTTP response "\x15\x03\x03"`), "the container engine at tcp://x:1 (docker context remote) speaks TLS: add ca, cert and key with docker context update"},
		//lint:ignore SA1019 no other function makes this error of the client
		{unix, client.ErrorConnectionFailed("unix:///run/x.sock"), "no container engine listens on unix:///run/x.sock"},
		//lint:ignore SA1019 as above
		{tcp, client.ErrorConnectionFailed("tcp://x:1"), "no container engine answers at tcp://x:1 (docker context remote)"},
		{tcp, fmt.Errorf("ping: %w", context.DeadlineExceeded), "the container engine at tcp://x:1 (docker context remote) did not answer in time"},
		{tcp, dial(syscall.ECONNRESET), "the container engine at tcp://x:1 (docker context remote) is not available: dial unix: connect: connection reset by peer"},
		{tcp, unavailable("explained before"), "explained before"},
		{tcp, errors.New("a\nb"), "the container engine at tcp://x:1 (docker context remote) is not available: a b"},
	} {
		if got := test.at.explain(test.err); got.Error() != test.want {
			t.Errorf("%v: %v", test.err, got)
		}
	}
}

func TestASocketThatIsNotThereIsWaitedFor(t *testing.T) {
	e := &endpoint{docker: contextdocker.Endpoint{EndpointMeta: contextdocker.EndpointMeta{Host: "unix://" + filepath.Join(t.TempDir(), "x.sock")}}}
	if err := e.checkAccess(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestTLSIsSpokenAsTheDockerCommandSpeaksIt(t *testing.T) {
	dir := home(t)
	f := &fake{api: "1.41", added: make(chan struct{}), log: func(string) (int, string) { return 200, "" }}
	server := httptest.NewUnstartedServer(f)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(func() { go server.Close() })
	t.Cleanup(server.CloseClientConnections)
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	must(t, os.WriteFile(filepath.Join(dir, "ca.pem"), ca, 0o600))
	host := "tcp://" + server.Listener.Addr().String()
	addContext(t, "secure", host, &dockercontext.TLSData{CA: ca})
	for what, set := range map[string]func() string{
		"verified":    func() string { t.Setenv("DOCKER_TLS_VERIFY", "1"); return host },
		"not checked": func() string { t.Setenv("DOCKER_TLS", "1"); return host },
		"context":     func() string { t.Setenv("DOCKER_CONTEXT", "secure"); return "" },
	} {
		for _, name := range []string{"DOCKER_TLS", "DOCKER_TLS_VERIFY", "DOCKER_CONTEXT"} {
			t.Setenv(name, "")
		}
		x := connectTo(t, set(), nil)
		x.awaitConnection(t)
		if err := x.Fence(t.Context()); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestConfiguredHeadersAreSent(t *testing.T) {
	dir := home(t)
	must(t, os.WriteFile(filepath.Join(dir, "config.json"), []byte(`{"HttpHeaders":{"X-Tenant":"me"}}`), 0o600))
	f := startFake(t)
	x := connectFake(t, f)
	must(t, x.Fence(t.Context()))
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.tenants["me"] == 0 || f.tenants[""] > 0 {
		t.Errorf("%v", f.tenants)
	}
}

func TestAnEngineIsReachedBySSH(t *testing.T) {
	dir := home(t)
	program, err := os.Executable()
	must(t, err)
	must(t, os.WriteFile(filepath.Join(dir, "ssh"), []byte("#!/bin/sh\nexec "+program+"\n"), 0o700))
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	t.Setenv(sshTarget, strings.TrimPrefix(shared.Host(), "unix://"))
	x := connectTo(t, "ssh://me@there", nil)
	x.awaitConnection(t)
	if x.image(t, "busybox:latest") == nil {
		t.Error("nothing is shown")
	}
}
