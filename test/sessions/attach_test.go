// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package sessions

import (
	"bufio"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/container"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/remotecommand"

	"github.com/rancher-sandbox/engine-apiserver/test/engine"
	"github.com/rancher-sandbox/engine-apiserver/test/testserver"
)

func attach(config *rest.Config, name string) session {
	return session{config, "WebSocket", name + "/attach", url.Values{}}
}

func withStdin(config *container.Config, _ *container.HostConfig) {
	config.OpenStdin, config.StdinOnce = true, true
}

func withTTY(config *container.Config, _ *container.HostConfig) { config.Tty = true }

func TestAContainerThatIsAttachedToHasItsStreamsAndItsExitCode(t *testing.T) {
	config := testserver.Start(t, eng.Host()).Config(t)
	for protocol := range protocols {
		name := engine.UniqueName("web")
		eng.Run(t, name, engine.Command("sh", "-c", "cat; echo err >&2; exit 7"), withStdin)
		input := strings.Repeat("0123456789abcdef", 1<<14)
		stdout, stderr, err := attach(config, name).over(protocol).run(t, strings.NewReader(input))
		if stdout != input || stderr != "err\n" || codeOf(err) != 7 {
			t.Errorf("%s: %d bytes, want %d; %q; %v", protocol, len(stdout), len(input), stderr, err)
		}
	}
}

func TestTheOutputOfATerminalIsNotMultiplexedWhateverTheClientSays(t *testing.T) {
	config := testserver.Start(t, eng.Host()).Config(t)
	for protocol := range protocols {
		name := engine.UniqueName("web")
		eng.Run(t, name, engine.Command("sh", "-c", "read line; echo got $line; exit 3"), withStdin, withTTY)
		stdout, _, err := attach(config, name).over(protocol).run(t, strings.NewReader("hello\n"))
		if !strings.Contains(stdout, "got hello") || codeOf(err) != 3 {
			t.Errorf("%s: %q, %v", protocol, stdout, err)
		}
	}
}

func TestWhatAContainerWroteBeforeIsSentIfTheClientWantsIt(t *testing.T) {
	config := testserver.Start(t, eng.Host()).Config(t)
	name := engine.UniqueName("web")
	id := eng.Run(t, name, engine.Command("sh", "-c", "trap 'exit 0' HUP; echo before; while :; do sleep 0.01; done"))
	screen, output := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		err := attach(config, name).with("logs", "true").stream(t.Context(), remotecommand.StreamOptions{Stdout: output})
		output.Close()
		ended <- err
	}()
	lines := bufio.NewReader(screen)
	awaitLine(t, lines, "before")
	must(t, eng.Client().ContainerKill(t.Context(), id, "HUP"))
	if _, err := io.Copy(io.Discard, lines); err != nil {
		t.Error(err)
	}
	if err := receive(t, "the end", ended); err != nil {
		t.Error(err)
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

// RoundTrip implements http.RoundTripper.
func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestAContainerThatIsAttachedToBeforeItsStartLosesNoOutput(t *testing.T) {
	config := testserver.Start(t, eng.Host()).Config(t)
	for protocol := range protocols {
		name := engine.UniqueName("web")
		id := eng.Create(t, name, engine.Command("sh", "-c", "echo first; cat; exit 7"), withStdin)
		// The transport sees the end of the upgrade.
		upgraded := make(chan struct{})
		config := rest.CopyConfig(config)
		config.Wrap(func(next http.RoundTripper) http.RoundTripper {
			return roundTripper(func(r *http.Request) (*http.Response, error) {
				response, err := next.RoundTrip(r)
				if err == nil && response.StatusCode == http.StatusSwitchingProtocols {
					close(upgraded)
				}
				return response, err
			})
		})
		started := make(chan error, 1)
		go func() {
			<-upgraded
			started <- eng.Client().ContainerStart(t.Context(), id, container.StartOptions{})
		}()
		stdout, _, err := attach(config, name).over(protocol).with("beforeStart", "true").run(t, strings.NewReader("input"))
		if stdout != "first\ninput" || codeOf(err) != 7 {
			t.Errorf("%s: %q, %v", protocol, stdout, err)
		}
		must(t, receive(t, "the start", started))
	}
}

func TestAContainerThatCannotBeAttachedToIs409(t *testing.T) {
	paused, created, deaf, stopped := engine.UniqueName("paused"), engine.UniqueName("created"), engine.UniqueName("deaf"), engine.UniqueName("stopped")
	must(t, eng.Client().ContainerPause(t.Context(), eng.Run(t, paused)))
	eng.Create(t, created)
	eng.Run(t, deaf)
	must(t, eng.Client().ContainerKill(t.Context(), eng.Run(t, stopped), "KILL"))
	config := testserver.Start(t, eng.Host()).Config(t)
	for what, test := range map[string]struct {
		name, want string
		stdin      io.Reader
	}{
		"paused":        {paused, "paused container, unpause it first", nil},
		"never started": {created, "stopped container, start it first", nil},
		"stopped":       {stopped, "stopped container, start it first", nil},
		"without stdin": {deaf, "without an open stdin", strings.NewReader("x")},
	} {
		_, _, err := attach(config, test.name).run(t, test.stdin)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %s", what, err, test.want)
		}
	}
	err := attach(config, deaf).stream(t.Context(), remotecommand.StreamOptions{Stdout: io.Discard, Tty: true})
	if err == nil || !strings.Contains(err.Error(), "without a terminal") {
		t.Errorf("tty without a terminal: %v", err)
	}
}
