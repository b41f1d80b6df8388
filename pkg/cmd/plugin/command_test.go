// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package plugin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/docker/cli/cli/config"
	"k8s.io/cli-runtime/pkg/genericiooptions"
)

// run runs the plugin, and returns what it prints and its exit code.
func run(arguments ...string) (stdout, stderr string, code int) {
	streams, _, out, errOut := genericiooptions.NewTestIOStreams()
	code = Run(arguments, streams)
	return out.String(), errOut.String(), code
}

// answering starts a server that gives every request this answer.
func answering(t *testing.T, status int, contentType, body string) (url string) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func TestAServerThatCannotHelpIsOneLineAndExitCode1(t *testing.T) {
	t.Setenv("KUBECONFIG", t.TempDir()+"/absent")
	config.SetDir(t.TempDir())
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	status := func(reason string, code int, message string) string {
		return fmt.Sprintf(`{"kind":"Status","apiVersion":"v1","status":"Failure","reason":%q,"code":%d,"message":%q}`, reason, code, message)
	}
	for name, test := range map[string]struct{ server, want string }{
		"is not there":        {gone.URL, "error: cannot reach the server at " + gone.URL + ": "},
		"lacks our group":     {answering(t, 404, "text/plain", "404 page not found"), "error: the server has no containers.rancherdesktop.io/v1alpha1: "},
		"does not know us":    {answering(t, 401, "application/json", status("Unauthorized", 401, "Unauthorized")), "error: the server does not know you: "},
		"gives us no rights":  {answering(t, 403, "application/json", status("Forbidden", 403, `containers "web" is forbidden`)), `containers "web" is forbidden`},
		"has lost its engine": {answering(t, 503, "application/json", status("ServiceUnavailable", 503, "the engine at unix:///x does not answer")), "the engine at unix:///x does not answer"},
		"refuses":             {answering(t, 409, "application/json", status("Conflict", 409, `Operation cannot be fulfilled on containers.containers.rancherdesktop.io "web": it is busy`)), ": it is busy"},
		"is not one of ours":  {answering(t, 200, "text/html", "<html>"), "error: "},
	} {
		for _, command := range [][]string{{"ps"}, {"stop", "web", "other"}, {"rm", "-f", "web"}, {"wait", "web"},
			{"images"}, {"rmi", "-f", "web"}, {"volume", "ls"}, {"volume", "rm", "-f", "web"}, {"network", "ls"}, {"pull", "-q", "web"}, {"push", "-q", "web"},
			{"image", "prune", "-f"}, {"volume", "prune", "-f"}, {"create", "busybox"}, {"update", "--restart", "no", "web"},
			{"network", "connect", "front", "web"}, {"network", "disconnect", "front", "web"}} {
			stdout, stderr, code := run(append([]string{"--server=" + test.server, "--namespace=somewhere"}, command...)...)
			if stdout != "" || code != 1 || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, test.want) {
				t.Errorf("%s, and the server %s: exit code %d\n%s%s", command, name, code, stdout, stderr)
			}
		}
	}
}

func TestAMistypedCommandLineIsOneLineThatSaysWhatWasMeant(t *testing.T) {
	t.Setenv("KUBECONFIG", t.TempDir()+"/absent")
	for line, want := range map[string]string{
		"xyzzy":           `unknown command "xyzzy" (kubectl engine --help shows the commands)`,
		"stpo web":        `unknown command "stpo": did you mean "stop"?`,
		"stop":            "kubectl engine stop needs the name or the ID of a container (kubectl engine stop --help shows how it is used)",
		"ps web":          `kubectl engine ps takes no arguments, but was given "web"`,
		"ps --fitler a":   "unknown flag: --fitler: did you mean --filter?",
		"ps --filter":     "--filter needs a value",
		"ps -f volume=x":  `--filter "volume=x": there is no filter "volume": choose one of exited, health, id, label, name, status`,
		"rmi":             "kubectl engine rmi needs the name or the ID of an image (kubectl engine rmi --help shows how it is used)",
		"image rm":        "kubectl engine image rm needs the name or the ID of an image (kubectl engine image rm --help shows how it is used)",
		"volume rm":       "kubectl engine volume rm needs the name of a volume (kubectl engine volume rm --help shows how it is used)",
		"images a b":      "kubectl engine images takes at most one repository or tag, but was given 2",
		"pull":            "kubectl engine pull needs the name of one image",
		"tag a":           "kubectl engine tag needs the name or the ID of an image, and a tag",
		"pull -a web":     "kubectl engine pull cannot download all tags: name one tag for each command",
		"image push -a w": "kubectl engine image push cannot upload all tags: name one tag for each command",
		"pull Web":        `cannot pull "Web": invalid reference format: repository name (library/Web) must be lowercase`,
		"volume lss":      `unknown command "lss": did you mean "ls"?`,
		"network inspect": `unknown command "inspect" (kubectl engine network --help shows the commands)`,
		"ps":              "there is no kubeconfig: name it with --kubeconfig or $KUBECONFIG (engine-apiserver prints where its own is)",
	} {
		stdout, stderr, code := run(strings.Fields(line)...)
		if stdout != "" || stderr != "error: "+want+"\n" || code != 1 {
			t.Errorf("%s: exit code %d\n%s%s", line, code, stdout, stderr)
		}
	}
}

func TestEveryCommandShowsItsHelp(t *testing.T) {
	commands := NewCommand(genericiooptions.NewTestIOStreamsDiscard()).Commands()
	for _, command := range commands {
		commands = append(commands, command.Commands()...)
	}
	for _, command := range commands {
		stdout, stderr, code := run(append(strings.Fields(command.CommandPath())[2:], "--help")...)
		if !strings.Contains(stdout, "Usage:\n  "+command.CommandPath()) || stderr != "" || code != 0 {
			t.Errorf("%s: exit code %d\n%s%s", command.CommandPath(), code, stdout, stderr)
		}
	}
}

func TestTheOtherFlagsOfKubectlAreInTheOptions(t *testing.T) {
	stdout, _, _ := run("options")
	for _, flag := range []string{"--as ", "--as-group", "--cluster", "--insecure-skip-tls-verify", "--request-timeout", "--server", "--token", "-n, --namespace"} {
		if !strings.Contains(stdout, flag) {
			t.Errorf("%s is missing in:\n%s", flag, stdout)
		}
	}
}

func TestOutcomesArePrintedInTheOrderOfTheArgumentsAndNoneIsLost(t *testing.T) {
	streams, _, out, _ := genericiooptions.NewTestIOStreams()
	p := &plugin{IOStreams: streams}
	third := make(chan struct{})
	err := p.each(t.Context(), []string{"1", "2", "3", "4"}, together, func(_ context.Context, argument string) (string, error) {
		switch argument {
		case "1":
			<-third // it ends after a later one
		case "2":
			return "", errors.New("cannot do 2")
		case "3":
			close(third)
		case "4":
			return "", nil
		}
		return argument, nil
	})
	if out.String() != "1\n3\n" || !slices.Equal(lines(err), []string{"cannot do 2"}) {
		t.Errorf("%q %v", out.String(), err)
	}
}

func TestALimitOfOneKeepsTheOrder(t *testing.T) {
	p := &plugin{IOStreams: genericiooptions.NewTestIOStreamsDiscard()}
	var order []string
	arguments := []string{"1", "2", "3", "4"}
	if err := p.each(t.Context(), arguments, 1, func(_ context.Context, argument string) (string, error) {
		order = append(order, argument)
		return argument, nil
	}); err != nil || !slices.Equal(order, arguments) {
		t.Errorf("%q %v", order, err)
	}
}
