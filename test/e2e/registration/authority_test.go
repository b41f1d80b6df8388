// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package registration_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/rancher-sandbox/engine-apiserver/pkg/cmd/server/state"
	"github.com/rancher-sandbox/engine-apiserver/test/kubectl"
	"github.com/rancher-sandbox/engine-apiserver/test/testserver"
)

// Flags give the server its certificate. Only register gets the authority that signed the certificate.
func TestAServerWithTheUsersCertificateIsTrustedAgainWhenItStartsAgain(t *testing.T) {
	forgetLater(t, cluster.Admin())
	users, err := state.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer users.Close()
	certificates := users.Certificates(serverName)
	authority, err := certificates.Ensure()
	if err != nil {
		t.Fatal(err)
	}
	caFile := filepath.Join(t.TempDir(), "ca.crt")
	if err := os.WriteFile(caFile, authority, 0o600); err != nil {
		t.Fatal(err)
	}

	port, stateDir := testserver.FreePort(t, localhost), t.TempDir()
	start := func() *testserver.Process {
		process := testserver.StartProcess(t, "serve", "--aggregated", "--kubeconfig", cluster.Admin(), "--docker-host", docker.Host(), "--secure-port", port,
			"--state-dir", stateDir, "--tls-cert-file", certificates.ServingFile(), "--tls-private-key-file", certificates.ServingFile())
		process.Await(t, "engine-apiserver serves")
		return process
	}
	first := start()
	succeed(t, "register", "--kubeconfig", cluster.Admin(), "--ca-file", caFile, "--address", "localhost:"+port, "--timeout", patience)

	k := kubectl.Any(t, cluster.Admin())
	first.Terminate(t)
	k.Fails(t, []string{"NotFound"}, "get", "apiservice", apiService)
	start()
	kubectl.Eventually(t, "the APIService is back", func() bool {
		_, _, err := k.Try(t, "get", "apiservice", apiService)
		return err == nil
	})
	k.OK(t, "wait", "--for=condition=Available", "apiservice/"+apiService, "--timeout="+patience)
}
