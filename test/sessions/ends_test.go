// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package sessions

import (
	"bufio"
	"io"
	"os"
	"strings"
	"testing"

	"k8s.io/client-go/tools/remotecommand"

	"github.com/rancher-sandbox/engine-apiserver/test/dockerproxy"
	"github.com/rancher-sandbox/engine-apiserver/test/engine"
	"github.com/rancher-sandbox/engine-apiserver/test/testserver"
)

// begin begins a session whose command runs until it is made to end. It returns a channel with the end of the session.
func begin(t *testing.T, s session) <-chan error {
	t.Helper()
	screen, output := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		err := s.stream(t.Context(), remotecommand.StreamOptions{Stdout: output})
		output.Close()
		ended <- err
	}()
	awaitLine(t, bufio.NewReader(screen), "begun")
	return ended
}

func TestAnEngineThatIsLostEndsASessionWithAnErrorThatSaysSo(t *testing.T) {
	name := engine.UniqueName("web")
	eng.Run(t, name)
	dir, err := os.MkdirTemp("", "sessions-") // t.TempDir() may be too long for the path of a socket
	must(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	proxy, err := dockerproxy.Start(dir, eng.Host())
	must(t, err)
	t.Cleanup(func() { proxy.Close() })
	config := testserver.Start(t, proxy.Host(), "--engine-access=full").Config(t)
	for protocol := range protocols {
		ended := begin(t, shell(config, name, "echo begun; sleep 1000").over(protocol))
		must(t, proxy.LeadTo("unix://"+dir+"/nobody.sock"))
		proxy.Drop()
		if err := receive(t, "the end", ended); err == nil || !strings.Contains(err.Error(), "container engine") {
			t.Errorf("%s: %v", protocol, err)
		}
		must(t, proxy.LeadTo(eng.Host()))
		eventually(t, "the engine is back", func() bool {
			_, _, err := exec(config, name, "true").run(t, nil)
			return err == nil
		})
	}
}

func TestAServerThatStopsTellsItsSessions(t *testing.T) {
	name := engine.UniqueName("web")
	eng.Run(t, name)
	for protocol := range protocols {
		server := testserver.Start(t, eng.Host())
		ended := begin(t, shell(server.Config(t), name, "echo begun; sleep 1000").over(protocol))
		must(t, server.Stop())
		if err := receive(t, "the end", ended); err == nil || !strings.Contains(err.Error(), "the server is stopping") {
			t.Errorf("%s: %v", protocol, err)
		}
	}
}

func TestASessionTooManyIsRefused(t *testing.T) {
	name := engine.UniqueName("web")
	eng.Run(t, name)
	config := testserver.Start(t, eng.Host(), "--max-sessions=1").Config(t)
	begin(t, shell(config, name, "echo begun; sleep 1000"))
	for protocol := range protocols {
		if _, _, err := exec(config, name, "true").over(protocol).run(t, nil); err == nil || !strings.Contains(err.Error(), "1 sessions run already") {
			t.Errorf("%s: %v", protocol, err)
		}
	}
}

func TestAServerThatMayOnlyOperateHasNoSessions(t *testing.T) {
	name := engine.UniqueName("web")
	eng.Run(t, name)
	config := testserver.Start(t, eng.Host(), "--engine-access=operate").Config(t)
	for protocol := range protocols {
		if _, _, err := exec(config, name, "true").over(protocol).run(t, nil); err == nil || !strings.Contains(err.Error(), "could not find the requested resource") {
			t.Errorf("%s: %v", protocol, err)
		}
	}
}
