// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package aggregated

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/pflag"
	utilerrors "k8s.io/apimachinery/pkg/util/errors"
	genericapiserver "k8s.io/apiserver/pkg/server"
)

func parse(t *testing.T, arguments ...string) *Options {
	t.Helper()
	options := NewOptions()
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	options.AddFlags(flags)
	if err := flags.Parse(arguments); err != nil {
		t.Fatal(err)
	}
	options.Complete()
	return options
}

func TestAKubeconfigThatIsNotGivenIsTheFirstOneThatIs(t *testing.T) {
	const core, authentication, authorization = "--kubeconfig=core", "--authentication-kubeconfig=n", "--authorization-kubeconfig=z"
	for _, test := range []struct {
		arguments []string
		want      string
	}{
		{nil, "//"},
		{[]string{core}, "core/core/core"},
		{[]string{authentication}, "n/n/n"},
		{[]string{authorization}, "z/z/z"},
		{[]string{authorization, core}, "core/core/z"},
		{[]string{authentication, authorization}, "n/n/z"},
		{[]string{core, authentication, authorization}, "core/n/z"},
	} {
		o := parse(t, test.arguments...)
		got := o.coreAPI.CoreAPIKubeconfigPath + "/" + o.authentication.RemoteKubeConfigFile + "/" + o.authorization.RemoteKubeConfigFile
		if got != test.want {
			t.Errorf("%q: %s, want %s", test.arguments, got, test.want)
		}
		if o.Enabled() != (test.arguments != nil) {
			t.Errorf("%q: behind a control plane: %t", test.arguments, o.Enabled())
		}
	}
	if !parse(t, "--aggregated").Enabled() {
		t.Error("--aggregated does not enable serving behind a control plane")
	}
}

func TestWhatIsWrongWithTheFlagsIsNamed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte("text"), 0o600); err != nil {
		t.Fatal(err)
	}
	for argument, part := range map[string]string{
		"--service-name=A_b":                       `--service-name "A_b"`,
		"--service-namespace=a.b":                  `--service-namespace "a.b"`,
		"--client-ca-file=" + file:                 "--client-ca-file",
		"--requestheader-client-ca-file=" + file:   "--requestheader-client-ca-file",
		"--requestheader-username-headers= ,a":     "header",
		"--requestheader-client-ca-file=/none.pem": "/none.pem",
		"--passthrough-bind-address=0.0.0.0:1":     "loopback",
		"--passthrough-bind-address=127.0.0.1":     `--passthrough-bind-address "127.0.0.1"`,
		"--passthrough-bind-address=localhost:1":   "loopback",
	} {
		if err := utilerrors.NewAggregate(parse(t, argument).Validate()); err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("%s: %v, want %s", argument, err, part)
		}
	}
	for _, arguments := range [][]string{nil, {"--passthrough-bind-address="}, {"--passthrough-bind-address=[::1]:6446"}} {
		if errs := parse(t, arguments...).Validate(); len(errs) > 0 {
			t.Errorf("%q: %v", arguments, errs)
		}
	}
}

func TestTheServerIsCalledByItsService(t *testing.T) {
	if got := parse(t, "--service-name=a", "--service-namespace=b").Host(); got != "a.b.svc" {
		t.Error(got)
	}
}

func TestAnAuthenticationThatFailsLeavesTheConfigurationAsItWas(t *testing.T) {
	server := serveAnswers(t, ready(map[string]answer{configMapPath: text(503, "text/plain", "")}))
	options := NewOptions()
	options.coreAPI.CoreAPIKubeconfigPath = kubeconfigOf(t, server.URL, server.Certificate().Raw)
	options.Complete()
	config := &genericapiserver.RecommendedConfig{}
	if _, err := options.ApplyAuthentication(t.Context(), config); err == nil {
		t.Error("no error")
	}
	if config.Authentication.Authenticator != nil || config.Authentication.RequestHeaderConfig != nil {
		t.Errorf("%+v", config.Authentication)
	}
}
