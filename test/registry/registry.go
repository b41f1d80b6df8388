// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

// Package registry runs registries of images for tests: the one of the distribution project, and others that misbehave. They
// listen on the loopback address, where Docker speaks to them without TLS.
package registry

import (
	"bufio"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// User is somebody who may read and write in a registry.
type User struct{ Name, Password string }

// Registry is a running registry.
type Registry struct {
	address string
	user    User
}

// Start starts an empty registry. It ends with the test. If there are users, nobody else may read or write.
func Start(t testing.TB, users ...User) *Registry {
	t.Helper()
	program, err := program()
	if err != nil {
		t.Fatal(err)
	}
	args := []string{"-dir", t.TempDir()}
	r := &Registry{}
	if len(users) > 0 {
		r.user = users[0]
		var list []string
		for _, user := range users {
			list = append(list, user.Name+":"+user.Password)
		}
		args = append(args, "-users", strings.Join(list, ","))
	}
	command := exec.Command(program, args...)
	command.Env = []string{"OTEL_TRACES_EXPORTER=none"} // else it looks for a collector of traces
	command.Stderr = t.Output()
	stdin, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatalf("starting a registry: %v", err)
	}
	t.Cleanup(func() {
		stdin.Close()
		if err := command.Wait(); err != nil {
			t.Errorf("stopping the registry: %v", err)
		}
	})
	lines := bufio.NewScanner(stdout)
	if !lines.Scan() {
		t.Fatalf("starting a registry: it has ended before it served: %v", lines.Err())
	}
	r.address = lines.Text()
	return r
}

// program returns the path of the registry's program. Only the first call on a machine builds it: the go command keeps it in
// its cache.
func program() (string, error) {
	module, err := exec.Command("go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("finding the module of the registry: %w", err)
	}
	build := exec.Command("go", "tool", "-n", "server")
	build.Dir = filepath.Join(filepath.Dir(strings.TrimSpace(string(module))), "test", "registry", "server")
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "PWD="+build.Dir)
	var messages strings.Builder
	build.Stderr = &messages
	path, err := build.Output()
	if err != nil {
		return "", fmt.Errorf("building the registry: %w\n%s", err, messages.String())
	}
	return strings.TrimSpace(string(path)), nil
}

// Address returns the host and port of the registry. They are the first part of the names of its images.
func (r *Registry) Address() string { return r.address }

// Ref returns the reference of an image of the registry, such as 127.0.0.1:5000/team/tool:v1 for team/tool:v1.
func (r *Registry) Ref(name string) string { return r.address + "/" + name }

// Has reports whether the registry holds the image or index with this name, such as team/tool:v1.
func (r *Registry) Has(t testing.TB, name string) bool {
	t.Helper()
	repository, reference := split(name)
	response := r.send(t, r.request(t, http.MethodHead, "/v2/"+repository+"/manifests/"+url.PathEscape(reference), nil))
	switch response.StatusCode {
	case http.StatusOK:
		return true
	case http.StatusNotFound:
		return false
	}
	t.Fatalf("looking for %s in the registry: %s", name, response.Status)
	return false
}

// Remove removes the image or index with this name from the registry.
func (r *Registry) Remove(t testing.TB, name string) {
	t.Helper()
	repository, reference := split(name)
	path := "/v2/" + repository + "/manifests/"
	digest := r.send(t, r.request(t, http.MethodHead, path+url.PathEscape(reference), nil)).Header.Get("Docker-Content-Digest")
	r.do(t, r.request(t, http.MethodDelete, path+digest, nil), http.StatusAccepted)
}

// split splits a name into its repository and its tag or digest.
func split(name string) (repository, reference string) {
	if repository, digest, found := strings.Cut(name, "@"); found {
		return repository, digest
	}
	repository, tag, found := strings.Cut(name, ":")
	if !found {
		tag = "latest"
	}
	return repository, tag
}
