// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package clients_test

import (
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/websocket"
	"k8s.io/client-go/rest"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/test/engine"
	"github.com/rancher-sandbox/engine-apiserver/test/testserver"
)

// dialAsBrowser opens a WebSocket as a page in a browser does. A page cannot set headers, so it sends the token as a
// subprotocol.
func dialAsBrowser(t *testing.T, config *rest.Config, path, token string) (*websocket.Conn, error) {
	t.Helper()
	dialed, err := websocket.NewConfig(strings.Replace(config.Host, "https", "wss", 1)+path, "http://localhost:4466")
	if err != nil {
		t.Fatal(err)
	}
	if dialed.TlsConfig, err = rest.TLSConfigFor(config); err != nil {
		t.Fatal(err)
	}
	dialed.Protocol = []string{"base64url.bearer.authorization.k8s.io." + base64.RawURLEncoding.EncodeToString([]byte(token)), "base64.binary.k8s.io"}
	connection, err := dialed.DialContext(t.Context())
	if err == nil && !slices.Equal(dialed.Protocol, []string{"base64.binary.k8s.io"}) {
		t.Errorf("the server chose the protocols %q", dialed.Protocol)
	}
	return connection, err
}

func TestABrowserWatchesOverAWebSocket(t *testing.T) {
	audit := filepath.Join(t.TempDir(), "audit.log")
	policy := filepath.Join(t.TempDir(), "policy.yaml")
	if err := os.WriteFile(policy, []byte("apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: RequestResponse}]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	server := testserver.Start(t, eng.Host(), "--audit-log-path", audit, "--audit-policy-file", policy)
	config := server.Config(t)
	name := engine.UniqueName("web")
	path := "/apis/containers.rancherdesktop.io/v1alpha1/namespaces/" + testserver.Namespace + "/containers?watch=true&fieldSelector=metadata.name%3D" + name

	if _, err := dialAsBrowser(t, config, path, "wrong"); err == nil {
		t.Error("the server accepted a wrong token")
	}
	connection, err := dialAsBrowser(t, config, path, config.BearerToken)
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	next := func() (event struct {
		Type   string
		Object v1alpha1.Container
	}) {
		t.Helper()
		if err := websocket.JSON.Receive(connection, &event); err != nil {
			t.Fatal(err)
		}
		return event
	}
	id := eng.Create(t, name)
	if event := next(); event.Type != "ADDED" || event.Object.Status.ID != id {
		t.Errorf("%+v", event)
	}

	logged, err := os.ReadFile(audit)
	if err != nil {
		t.Fatal(err)
	}
	var entry struct{ RequestURI string }
	if err := json.Unmarshal([]byte(strings.SplitN(string(logged), "\n", 2)[0]), &entry); err != nil || entry.RequestURI == "" {
		t.Errorf("the audit log has no entry with a request URI: %v: %s", err, logged)
	}
	for _, secret := range []string{config.BearerToken, base64.RawURLEncoding.EncodeToString([]byte(config.BearerToken))} {
		if strings.Contains(string(logged), secret) {
			t.Error("the audit log contains the token")
		}
	}
}
