// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package registration_test

import (
	"strings"
	"testing"

	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/rancher-sandbox/engine-apiserver/pkg/cmd/plugin"
)

func TestThePluginSaysThatAClusterHasNoServer(t *testing.T) {
	for _, arguments := range [][]string{{"ps"}, {"ps", "-n", engineNamespace}, {"stop", "-n", engineNamespace, "web"}} {
		streams, _, out, errOut := genericiooptions.NewTestIOStreams()
		code := plugin.Run(append(arguments, "--kubeconfig", cluster.Admin()), streams)
		if want := "error: the server has no containers.rancherdesktop.io/v1alpha1: "; code != 1 || out.String() != "" || !strings.HasPrefix(errOut.String(), want) {
			t.Errorf("%q: exit code %d\n%s%s", arguments, code, out, errOut)
		}
	}
}
