// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package server

import (
	"bufio"
	"context"
	"io"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// kubeconfigOf writes a kubeconfig for the control plane at the URL, and returns its path.
func kubeconfigOf(t *testing.T, url string) string {
	t.Helper()
	config := clientcmdapi.NewConfig()
	config.Clusters["c"], config.AuthInfos["u"] = &clientcmdapi.Cluster{Server: url}, &clientcmdapi.AuthInfo{Token: "secret"}
	config.Contexts["c"], config.CurrentContext = &clientcmdapi.Context{Cluster: "c", AuthInfo: "u"}, "c"
	path := filepath.Join(t.TempDir(), "kubeconfig")
	if err := clientcmd.WriteToFile(*config, path); err != nil {
		t.Fatal(err)
	}
	return path
}

// refusedURL returns a URL on which nothing listens.
func refusedURL(t *testing.T) string {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return "https://" + listener.Addr().String()
}

func TestAServerThatWaitsForItsControlPlaneSaysSoOnceAndEndsWhenTold(t *testing.T) {
	url := refusedURL(t)
	kubeconfig := kubeconfigOf(t, url)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	reader, writer := io.Pipe()
	command := NewCommand()
	var out strings.Builder
	command.SetOut(&out)
	command.SetErr(writer)
	command.SetArgs([]string{"serve", "--secure-port=0", "--state-dir", t.TempDir(), "--docker-host=unix:///nowhere.sock", "--kubeconfig", kubeconfig})
	ended := make(chan error, 1)
	go func() {
		ended <- command.ExecuteContext(ctx)
		writer.Close()
	}()
	lines := bufio.NewScanner(reader)
	if !lines.Scan() {
		t.Fatal("the server printed nothing: ", <-ended)
	}
	for _, part := range []string{"engine-apiserver: waiting for the control plane at " + url, "refused", kubeconfig} {
		if !strings.Contains(lines.Text(), part) {
			t.Errorf("%q is not in %q", part, lines.Text())
		}
	}
	stop()
	if lines.Scan() {
		t.Errorf("the server also printed %q", lines.Text())
	}
	select {
	case err := <-ended:
		if err != nil || out.Len() > 0 {
			t.Errorf("the server returned %v and printed %q", err, &out)
		}
	case <-time.After(patienceInTests):
		t.Fatal("the server does not end")
	}
}

func TestTheCommandThatRegistersTheServerIsComplete(t *testing.T) {
	t.Setenv("XDG_STATE_HOME", filepath.FromSlash("/state"))
	for _, test := range []struct {
		arguments []string
		port      int
		own       bool
		want      string
	}{
		{[]string{"--kubeconfig=k"}, defaultPort, true, "--kubeconfig k"},
		{[]string{"--authorization-kubeconfig=my k"}, defaultPort, true, `--kubeconfig "my k"`},
		{[]string{"--aggregated"}, defaultPort, true, "--kubeconfig ADMIN-KUBECONFIG"},
		{[]string{"--kubeconfig=k", "--secure-port=0"}, 7000, true, "--kubeconfig k --address localhost:7000"},
		{[]string{"--kubeconfig=k", "--bind-address=10.1.2.3"}, defaultPort, true, "--kubeconfig k --address 10.1.2.3:6445"},
		{[]string{"--kubeconfig=k", "--bind-address=::"}, defaultPort, true, "--kubeconfig k"},
		{[]string{"--kubeconfig=k", "--service-name=s", "--service-namespace=n", "--namespace=e"}, defaultPort, true,
			"--kubeconfig k --service-name s --service-namespace n --namespace e"},
		{[]string{"--kubeconfig=k", "--state-dir=/my"}, defaultPort, true, "--kubeconfig k --state-dir /my"},
		{[]string{"--kubeconfig=k"}, defaultPort, false, "--kubeconfig k --ca-file AUTHORITY-OF-TLS-CERT-FILE"},
	} {
		o := newOptions()
		sets := o.flags()
		flags := sets.FlagSet("all")
		for _, set := range sets.FlagSets {
			flags.AddFlagSet(set)
		}
		if err := flags.Parse(test.arguments); err != nil {
			t.Fatal(err)
		}
		if err := o.complete(); err != nil {
			t.Fatal(err)
		}
		if got := o.registerCommand(&net.TCPAddr{Port: test.port}, test.own); got != "engine-apiserver register "+test.want {
			t.Errorf("%q: %s, want %s", test.arguments, got, test.want)
		}
	}
}
