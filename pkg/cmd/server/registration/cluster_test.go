// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package registration

import (
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/client-go/rest"
)

const kubeconfig = `
apiVersion: v1
kind: Config
clusters: [{name: c, cluster: {server: "https://c.example.net:6443"}}]
contexts: [{name: whole, context: {cluster: c, user: u}}, {name: stray, context: {cluster: gone, user: u}}]
users: [{name: u, user: {token: secret}}]
`

func TestAKubeconfigThatIsOfNoUseIsNamed(t *testing.T) {
	for name, test := range map[string]struct {
		content, context string
		words            []string
	}{
		"Empty":           {"", "", []string{"is empty"}},
		"NoKubeconfig":    {"hello", "", []string{"is not a kubeconfig"}},
		"NoContext":       {kubeconfig, "", []string{"no current context", "--context"}},
		"AnotherContext":  {kubeconfig, "mine", []string{`no context "mine"`, "--context"}},
		"ContextOfNoUse":  {kubeconfig, "stray", []string{`context "stray"`, `"gone"`}},
		"UnreadableFiles": {strings.Replace(kubeconfig, "token: secret", "client-certificate: /none.crt, client-key: /none.key", 1), "whole", []string{"/none.crt"}},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "kubeconfig")
			if err := os.WriteFile(file, []byte(test.content), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := Load(file, test.context)
			says(t, err, append(test.words, file)...)
		})
	}
	t.Run("Missing", func(t *testing.T) {
		_, err := Load("/none/kubeconfig", "")
		says(t, err, "there is no kubeconfig /none/kubeconfig", "--kubeconfig")
	})
	t.Run("MissingByDefault", func(t *testing.T) {
		t.Setenv("KUBECONFIG", "/none/by-default")
		_, err := Load("", "")
		says(t, err, "/none/by-default", "--kubeconfig")
	})
}

func TestAKubeconfigIsReadWithoutTheCluster(t *testing.T) {
	file := filepath.Join(t.TempDir(), "kubeconfig")
	if err := os.WriteFile(file, []byte(kubeconfig), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := Load(file, "whole")
	if err != nil || c.url != "https://c.example.net:6443" {
		t.Errorf("got %v, %v", c, err)
	}
}

func TestAServerThatIsNoControlPlaneIsCalledThat(t *testing.T) {
	const version = `{"gitVersion":"v1.37.2"}`
	status := func(code, reason string) string {
		return `{"kind":"Status","apiVersion":"v1","status":"Failure","message":"as it says","reason":"` + reason + `","code":` + code + `}`
	}
	for name, test := range map[string]struct {
		code  int
		body  string
		words []string
	}{
		"WebPage":      {200, "<html>welcome</html>", []string{"is not Kubernetes"}},
		"OtherJSON":    {200, `{"version":"1"}`, []string{"is not Kubernetes"}},
		"NotFoundPage": {404, "<html>404</html>", []string{"is not Kubernetes"}},
		"NoAPIService": {200, version, []string{"has no APIServices"}},
		"Unauthorized": {401, status("401", "Unauthorized"), []string{"refuses the credentials"}},
		"Forbidden":    {403, status("403", "Forbidden"), []string{"as it says", "cluster administrator"}},
		"Broken":       {500, status("500", "InternalError"), []string{"as it says"}},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != "/version" {
					http.NotFound(w, r)
					return
				}
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(test.code)
				_, _ = w.Write([]byte(test.body))
			}))
			defer server.Close()
			says(t, check(t, server.URL), test.words...)
		})
	}
}

func TestAControlPlaneThatCannotBeReachedIsNamed(t *testing.T) {
	secure := httptest.NewTLSServer(http.NotFoundHandler())
	defer secure.Close()
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := "https://" + listener.Addr().String()
	listener.Close()

	says(t, check(t, nobody), nobody, "cannot be reached", "start it")
	says(t, check(t, secure.URL), secure.URL, "the kubeconfig does not trust")
	says(t, check(t, strings.Replace(plain.URL, "http:", "https:", 1)), "is not Kubernetes", "HTTPS")
}

func check(t *testing.T, url string) error {
	t.Helper()
	c, err := newCluster(&rest.Config{Host: url}, "the-kubeconfig")
	if err != nil {
		t.Fatal(err)
	}
	return c.Check(t.Context())
}

func says(t *testing.T, err error, words ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("there is no error, want one with %q", words)
	}
	for _, words := range words {
		if !strings.Contains(err.Error(), words) {
			t.Errorf("%q does not say %q", err, words)
		}
	}
	if strings.Contains(err.Error(), "\n") {
		t.Errorf("%q has more than one line", err)
	}
}
