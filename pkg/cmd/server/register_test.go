// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package server

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestRegisterRefusesFlagsThatMakeNoSense(t *testing.T) {
	notes := filepath.Join(t.TempDir(), "notes.txt")
	if err := os.WriteFile(notes, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		args []string
		want []string
	}{
		"Argument":         {[]string{"now"}, []string{"takes no arguments", `"now"`}},
		"NoPort":           {[]string{"--address", "localhost"}, []string{"--address", "host:port"}},
		"NoSuchPort":       {[]string{"--address", "localhost:70000"}, []string{"--address", "65535"}},
		"NoHost":           {[]string{"--address", ":6445"}, []string{"--address", "no host name"}},
		"NoHostName":       {[]string{"--address", "my_host:6445"}, []string{"--address", `"my_host"`}},
		"EveryAddress":     {[]string{"--address", "0.0.0.0:6445"}, []string{"--address", "where a server listens"}},
		"EveryIPv6Address": {[]string{"--address", "[::]:6445"}, []string{"--address", "where a server listens"}},
		"Namespace":        {[]string{"--namespace", "A_B"}, []string{"--namespace", `"A_B"`}},
		"ServiceNamespace": {[]string{"--service-namespace", ""}, []string{"--service-namespace"}},
		"ServiceName":      {[]string{"--service-name", "a.b"}, []string{"--service-name", `"a.b"`}},
		"NoTime":           {[]string{"--timeout", "0s"}, []string{"--timeout", "greater than zero"}},
		"DryAndDelete":     {[]string{"--dry-run", "--delete"}, []string{"dry-run", "delete"}},
		"TwoAuthorities":   {[]string{"--ca-file", "a", "--state-dir", "b"}, []string{"ca-file", "state-dir"}},
		"NoAuthority":      {[]string{"--dry-run", "--server-user", "u", "--ca-file", notes}, []string{"--ca-file", notes, "PEM"}},
		"MissingAuthority": {[]string{"--dry-run", "--server-user", "u", "--ca-file", "/none.pem"}, []string{"--ca-file", "/none.pem"}},
		"NobodyKnowsWho":   {[]string{"--dry-run", "--kubeconfig", "/none"}, []string{"/none", "--server-user"}},
	} {
		t.Run(name, func(t *testing.T) {
			command := NewCommand()
			command.SetOut(io.Discard)
			command.SetArgs(append([]string{"register"}, test.args...))
			err := command.ExecuteContext(t.Context())
			if err == nil {
				t.Fatal("the command accepts the arguments")
			}
			for _, words := range test.want {
				if !strings.Contains(err.Error(), words) {
					t.Errorf("%q does not say %q", err, words)
				}
			}
		})
	}
}
