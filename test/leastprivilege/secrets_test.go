// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package leastprivilege

import (
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/container"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/rancher-sandbox/engine-apiserver/test/engine"
	"github.com/rancher-sandbox/engine-apiserver/test/testserver"
)

// process is a server in a process of its own, which logs and audits at the highest level.
type process struct {
	*testserver.Process
	config   *rest.Config
	stateDir string
	auditLog string
}

const auditEverything = `apiVersion: audit.k8s.io/v1
kind: Policy
rules:
- level: RequestResponse
`

func startProcess(t *testing.T) *process {
	t.Helper()
	dir := t.TempDir()
	p := &process{stateDir: filepath.Join(dir, "state"), auditLog: filepath.Join(dir, "audit.log")}
	policy := filepath.Join(dir, "policy.yaml")
	if err := os.WriteFile(policy, []byte(auditEverything), 0o600); err != nil {
		t.Fatal(err)
	}
	p.Process = testserver.StartProcess(t, "serve", "--docker-host", eng.Host(), "--secure-port", "0", "--state-dir", p.stateDir, "-v=10", "--show-environment=false",
		"--audit-log-path", p.auditLog, "--audit-policy-file", policy, "--audit-log-mode", "blocking")
	p.Await(t, testserver.ServesEngine)
	var err error
	if p.config, err = clientcmd.BuildConfigFromFlags("", filepath.Join(p.stateDir, "kubeconfig")); err != nil {
		t.Fatal(err)
	}
	return p
}

// stop ends the server and returns its log.
func (p *process) stop(t *testing.T) string {
	t.Helper()
	p.Terminate(t)
	return p.Output()
}

// debugging are the paths where a server shows its own state.
var debugging = []string{"/metrics", "/metrics/resource", "/version", "/livez?verbose", "/readyz?verbose", "/openapi/v2", "/debug/pprof/", "/debug/pprof/cmdline", "/debug/pprof/goroutine?debug=2",
	"/debug/pprof/heap?debug=1", "/debug/pprof/allocs", "/debug/flags", "/debug/flags/v", "/configz", "/flagz", "/statusz", "/logs", "/"}

func TestSecretsOfContainersAreNowhere(t *testing.T) {
	const secret = "hunter2-in-the-environment"
	withSecret := func(config *container.Config, _ *container.HostConfig) {
		config.Env = []string{"PASSWORD=" + secret}
		config.Healthcheck = &container.HealthConfig{Test: []string{"CMD-SHELL", "echo $PASSWORD; exit 1"}, Interval: 1e9}
	}
	web, broken := engine.UniqueName("web"), engine.UniqueName("broken")
	id := eng.Run(t, web, withSecret)
	eng.Create(t, broken, withSecret, engine.Command("/no/such/program"))
	if response, err := eng.Client().ContainerInspect(t.Context(), id); err != nil || !strings.Contains(strings.Join(response.Config.Env, " "), secret) {
		t.Fatalf("the engine does not know the secret: %v", err)
	}

	server := startProcess(t)
	said := map[string]string{}
	tell := func(method, path, body string) {
		_, said[method+" "+path+" "+body] = ask(t, server.config, method, path, body)
	}
	for _, path := range debugging {
		tell(http.MethodGet, path, "")
	}
	for _, kind := range []string{"containers", "images", "volumes", "networks", "imagepullrequests", "imagepushrequests", "containernamespaces", "engines", "containermetrics"} {
		tell(http.MethodGet, namespace+"/"+kind, "")
		tell(http.MethodGet, namespace+"/"+kind+"?watch=true&timeoutSeconds=1", "")
	}
	for _, name := range []string{web, broken, id, id[:12], "PASSWORD"} {
		tell(http.MethodGet, namespace+"/containers/"+name, "")
	}
	tell(http.MethodPatch, namespace+"/containers/"+broken, `{"spec":{"state":"running"}}`)
	tell(http.MethodPatch, namespace+"/containers/"+broken, `{"metadata":{"annotations":{"containers.rancherdesktop.io/action":"start"}}}`)
	tell(http.MethodPatch, namespace+"/containers/"+broken, `{"spec":{"state":"paused"}}`)
	for _, state := range []string{"paused", "running", "created"} {
		tell(http.MethodPatch, namespace+"/containers/"+web, `{"spec":{"state":"`+state+`"}}`)
	}
	tell(http.MethodPatch, namespace+"/containers/"+web, `{"spec":{"env":[{"name":"PASSWORD","value":"guess"}]}}`)
	tell(http.MethodPatch, namespace+"/containers/"+web, `{"spec":{"user":"1"}}`)
	tell(http.MethodDelete, namespace+"/images/busybox:latest", "")
	tell(http.MethodDelete, namespace+"/containers/"+web+"?gracePeriodSeconds=0", "")

	token := server.config.BearerToken
	said["the log"] = server.stop(t)
	audit, err := os.ReadFile(server.auditLog)
	if err != nil {
		t.Fatal(err)
	}
	said["the audit log"] = string(audit)

	for _, source := range []string{"the log", "the audit log", "GET " + namespace + "/containers "} {
		if !strings.Contains(said[source], web) {
			t.Errorf("%s does not mention %s: %.1000s", source, web, said[source])
		}
	}
	if !strings.Contains(said["the audit log"], `"responseObject"`) || !strings.Contains(said["the log"], `"HTTP" verb="PATCH"`) {
		t.Error("the server has not logged at the highest level")
	}
	for source, text := range said {
		if i := strings.Index(text, secret); i >= 0 {
			t.Errorf("%s contains the container's secret: …%s…", source, text[max(0, i-200):min(len(text), i+100)])
		}
		if i := strings.Index(text, token); i >= 0 {
			t.Errorf("%s contains the token: …%s", source, text[max(0, i-200):i])
		}
	}
}

func TestOnlyTheOwnerCanReadWhatTheServerKeeps(t *testing.T) {
	server := startProcess(t)
	must(t, server.config, http.StatusOK, http.MethodGet, namespace+"/containers", "")
	server.stop(t)
	seen := 0
	err := filepath.WalkDir(server.stateDir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		want := fs.FileMode(0o600)
		if entry.IsDir() {
			want = 0o700
		} else {
			seen++
		}
		if info.Mode().Perm() != want {
			t.Errorf("%s has mode %o, not %o", path, info.Mode().Perm(), want)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(server.auditLog); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the audit log: %v, %v", info, err)
	}
	if seen < 3 {
		t.Errorf("%d files were found", seen)
	}
}
