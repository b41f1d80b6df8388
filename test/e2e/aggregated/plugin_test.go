// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package aggregated_test

import (
	"strings"
	"testing"

	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/rancher-sandbox/engine-apiserver/pkg/cmd/plugin"
	"github.com/rancher-sandbox/engine-apiserver/test/kubectl"
)

// runPlugin runs the plugin with a kubeconfig, and returns what it prints and its exit code.
func runPlugin(kubeconfig string, arguments ...string) (stdout, stderr string, code int) {
	streams, _, out, errOut := genericiooptions.NewTestIOStreams()
	code = plugin.Run(append(arguments, "--kubeconfig", kubeconfig), streams)
	return out.String(), errOut.String(), code
}

func TestThePluginWorksThroughTheClusterAsFarAsItsUserMay(t *testing.T) {
	serve(t)
	web, id := run(t, "web")
	kubectl.Any(t, cluster.Admin()).Apply(t, grant(web))
	viewer, editor, onlyWeb := user(t, "vera"), user(t, "edith", "editors"), user(t, "oscar")
	k := kubectl.Any(t, onlyWeb)
	kubectl.Eventually(t, "the role reaches the users", succeeds(k, "get", "ctr", web, "-n", namespace))

	succeeds := func(kubeconfig, want string, arguments ...string) {
		t.Helper()
		if stdout, stderr, code := runPlugin(kubeconfig, arguments...); !strings.Contains(stdout, want) || stderr != "" || code != 0 {
			t.Errorf("%q: exit code %d\n%s%s", arguments, code, stdout, stderr)
		}
	}
	isDenied := func(kubeconfig string, arguments ...string) {
		t.Helper()
		if stdout, stderr, code := runPlugin(kubeconfig, arguments...); stdout != "" || code != 1 || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, "forbidden") {
			t.Errorf("%q: exit code %d\n%s%s", arguments, code, stdout, stderr)
		}
	}
	// The administrator sees in which namespace the engine is. The others may not, so the plugin tries the usual one.
	succeeds(cluster.Admin(), web, "ps")
	succeeds(viewer, id[:12], "ps", "-f", "name="+web)
	isDenied(viewer, "pause", web)
	isDenied(viewer, "rm", "-f", web)
	isDenied(viewer, "ps", "-n", "default")
	succeeds(editor, web, "pause", web)
	succeeds(editor, web, "unpause", web)
	isDenied(onlyWeb, "ps")
	isDenied(onlyWeb, "wait", id)
	succeeds(editor, web, "stop", web)
	succeeds(onlyWeb, "0", "wait", web)
	succeeds(onlyWeb, web, "rm", web)
}
