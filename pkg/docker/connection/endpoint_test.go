// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package connection

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

	dockercontext "github.com/docker/cli/cli/context"
	contextdocker "github.com/docker/cli/cli/context/docker"
	"github.com/docker/docker/client"

	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/dockertest"
)

func TestTheEngineIsTheOneThatTheDockerCommandUses(t *testing.T) {
	dir := dockertest.Home(t)
	dockertest.AddContext(t, "remote", "tcp://remote:2375", nil)
	dockertest.AddContext(t, "other", "ssh://me@other", nil)
	write := func(file string) {
		dockertest.Must(t, os.WriteFile(filepath.Join(dir, "config.json"), []byte(file), 0o600))
	}
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
		e, err := Resolve(step.flag, Full)
		if err != nil {
			t.Errorf("%s: %v", step.what, err)
		} else if e.String() != step.want {
			t.Errorf("%s: %s", step.what, e)
		}
	}
}

func TestMistakesInTheAddressAreOneClearLine(t *testing.T) {
	dir := dockertest.Home(t)
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
		_, err := Resolve(test.flag, Full)
		if !dockertest.Contains(err, test.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", what, err)
		}
	}
	dockertest.Must(t, os.WriteFile(filepath.Join(dir, "config.json"), []byte("{"), 0o600))
	if _, err := Resolve("", Full); !dockertest.Contains(err, "configuration") {
		t.Errorf("%v", err)
	}
}

func TestAPathWithoutASchemeIsRefusedWithTheAddressThatItMeans(t *testing.T) {
	dir := dockertest.Home(t)
	socket := filepath.Join(dir, "engine.sock")
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "unix", socket)
	dockertest.Must(t, err)
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
		if want == "" && err != nil || want != "" && !dockertest.Contains(err, want) {
			t.Errorf("%q: %v", host, err)
		}
	}
	dockertest.AddContext(t, "path", "/run/docker.sock", nil)
	for source, set := range map[string]func() string{
		`docker host "/run/docker.sock"`:                         func() string { return "/run/docker.sock" },
		`$DOCKER_HOST "/run/docker.sock"`:                        func() string { t.Setenv("DOCKER_HOST", "/run/docker.sock"); return "" },
		`docker context "path": the host "/run/docker.sock" has`: func() string { t.Setenv("DOCKER_CONTEXT", "path"); return "" },
	} {
		t.Setenv("DOCKER_HOST", "")
		t.Setenv("DOCKER_CONTEXT", "")
		if _, err := Resolve(set(), Full); !dockertest.Contains(err, source) || !dockertest.Contains(err, "use unix:///run/docker.sock") {
			t.Errorf("%s: %v", source, err)
		}
	}
}

func TestWhoeverDoesNotAgreeOnTLSIsToldTheWayOut(t *testing.T) {
	dir := dockertest.Home(t)
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
	dockertest.Must(t, os.WriteFile(filepath.Join(dir, "ca.pem"), ca, 0o600))
	dockertest.AddContext(t, "plain", plain, &dockercontext.TLSData{CA: ca})
	dockertest.AddContext(t, "secure", secure, nil)
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
		e, err := Resolve(test.host, Full)
		dockertest.Must(t, err)
		c, _, err := e.client()
		dockertest.Must(t, err)
		if _, err = c.Ping(t.Context()); err == nil {
			t.Errorf("%s: the engine answers", what)
			continue
		}
		for _, words := range test.want {
			if explained := e.Explain(err); !dockertest.Contains(explained, words) {
				t.Errorf("%s: %q is not in %q, which explains %v", what, words, explained, err)
			}
		}
	}
}

func TestMessagesNameNoPassword(t *testing.T) {
	dockertest.Home(t)
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
		e, err := Resolve(host, Full)
		if err == nil {
			err = e.Explain(fmt.Errorf("Get %q: x", e.docker.Host))
		}
		if dockertest.Contains(err, "secret") {
			t.Errorf("%v", err)
		}
	}
}

func TestWhyTheEngineDoesNotAnswer(t *testing.T) {
	unix := &Endpoint{context: "default", docker: contextdocker.Endpoint{EndpointMeta: contextdocker.EndpointMeta{Host: "unix:///run/x.sock"}}}
	tcp := &Endpoint{context: "remote", docker: contextdocker.Endpoint{EndpointMeta: contextdocker.EndpointMeta{Host: "tcp://x:1"}}}
	dial := func(errno error) error {
		return &url.Error{Op: "Get", URL: "http://x", Err: &net.OpError{Op: "dial", Net: "unix", Err: os.NewSyscallError("connect", errno)}}
	}
	relative := &Endpoint{context: "default", docker: contextdocker.Endpoint{EndpointMeta: contextdocker.EndpointMeta{Host: "unix://run/x.sock"}}}
	dir := t.TempDir()
	directory := &Endpoint{context: "default", docker: contextdocker.Endpoint{EndpointMeta: contextdocker.EndpointMeta{Host: "unix://" + dir}}}
	for _, test := range []struct {
		at   *Endpoint
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
		{tcp, Unavailable("explained before"), "explained before"},
		{tcp, errors.New("a\nb"), "the container engine at tcp://x:1 (docker context remote) is not available: a b"},
	} {
		if got := test.at.Explain(test.err); got.Error() != test.want {
			t.Errorf("%v: %v", test.err, got)
		}
	}
}

func TestASocketThatIsNotThereIsWaitedFor(t *testing.T) {
	e := &Endpoint{docker: contextdocker.Endpoint{EndpointMeta: contextdocker.EndpointMeta{Host: "unix://" + filepath.Join(t.TempDir(), "x.sock")}}}
	if err := e.CheckAccess(t.Context()); err != nil {
		t.Error(err)
	}
}
