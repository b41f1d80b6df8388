// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package sessions

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/container"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/remotecommand"

	"github.com/rancher-sandbox/engine-apiserver/test/engine"
	"github.com/rancher-sandbox/engine-apiserver/test/streamclient"
	"github.com/rancher-sandbox/engine-apiserver/test/testserver"
)

func shell(config *rest.Config, name, script string) session {
	return exec(config, name, "sh", "-c", script)
}

func TestBothOutputsAndExit7And126And127And137ReachTheClient(t *testing.T) {
	name := engine.UniqueName("web")
	id := eng.Run(t, name)
	config := testserver.Start(t, eng.Host()).Config(t)
	for protocol := range protocols {
		for _, called := range []string{name, id, id[:12]} {
			for _, code := range []int{0, 1, 7, 126, 127, 137, 255} {
				stdout, stderr, err := shell(config, called, fmt.Sprintf("echo out; echo err >&2; exit %d", code)).over(protocol).run(t, nil)
				if stdout != "out\n" || stderr != "err\n" || codeOf(err) != code {
					t.Errorf("%s, %s: %q, %q, %v: want the code %d", protocol, called, stdout, stderr, err, code)
				}
			}
		}
	}
}

func TestACatThatIsEchoedToReturns(t *testing.T) {
	name := engine.UniqueName("web")
	eng.Run(t, name)
	config := testserver.Start(t, eng.Host()).Config(t)
	for protocol := range protocols {
		input := strings.Repeat("0123456789abcdef", 1<<16)
		stdout, _, err := exec(config, name, "cat").over(protocol).run(t, strings.NewReader(input))
		if err != nil || stdout != input {
			t.Errorf("%s: %d bytes, want %d: %v", protocol, len(stdout), len(input), err)
		}
	}
}

func TestTwoMillionLinesOfACommandArriveWhole(t *testing.T) {
	const lines = 2_000_000
	name := engine.UniqueName("web")
	eng.Run(t, name)
	config := testserver.Start(t, eng.Host()).Config(t)
	for protocol := range protocols {
		reader, writer := io.Pipe()
		ended := make(chan error, 1)
		go func() {
			err := shell(config, name, fmt.Sprintf("seq 1 %d; exit 7", lines)).over(protocol).stream(t.Context(), remotecommand.StreamOptions{Stdout: writer})
			writer.Close()
			ended <- err
		}()
		scanner, read := bufio.NewScanner(reader), 0
		for scanner.Scan() {
			read++
			if scanner.Text() != strconv.Itoa(read) {
				t.Fatalf("%s: line %d is %q", protocol, read, scanner.Text())
			}
		}
		if err := receive(t, "the end", ended); codeOf(err) != 7 || read != lines {
			t.Errorf("%s: %d lines and %v", protocol, read, err)
		}
	}
}

func TestACommandRunsAsTheOptionsSay(t *testing.T) {
	name := engine.UniqueName("web")
	eng.Run(t, name)
	config := testserver.Start(t, eng.Host()).Config(t)
	stdout, stderr, err := shell(config, name, `echo $(id -u):$(id -g) $(pwd) $A $B "$0"`).with("user", "1:2").with("workingDir", "/bin").
		with("env", "A=1").with("env", "B=x y").run(t, nil)
	if err != nil || stdout != "1:2 /bin 1 x y sh\n" {
		t.Errorf("%q, %q, %v", stdout, stderr, err)
	}
}

func TestTheFirstResizeComesBeforeTheExecHasStartedAndCtrlPPasses(t *testing.T) {
	name := engine.UniqueName("web")
	eng.Run(t, name)
	config := testserver.Start(t, eng.Host()).Config(t)
	for protocol := range protocols {
		sizes := make(streamclient.Sizes, 1)
		sizes <- remotecommand.TerminalSize{Width: 101, Height: 31}
		input, keyboard := io.Pipe()
		screen, output := io.Pipe()
		ended := make(chan error, 1)
		go func() {
			err := shell(config, name, `stty raw -echo; trap 'stty size' WINCH; until [ "$(stty size)" = "31 101" ]; do sleep 0.01; done; echo ready; dd bs=1 count=4 2>/dev/null | od -An -tx1; `+
				`until [ "$(stty size)" = "24 80" ]; do sleep 0.01; done; echo done; exit 3`).over(protocol).
				stream(t.Context(), remotecommand.StreamOptions{Stdin: input, Stdout: output, Tty: true, TerminalSizeQueue: sizes})
			output.Close()
			ended <- err
		}()
		lines := bufio.NewReader(screen)
		awaitLine(t, lines, "ready")
		// Docker's own detach keys would end the session, or hold the first of them back.
		if _, err := keyboard.Write([]byte("\x10\x11a\x10")); err != nil {
			t.Fatal(err)
		}
		awaitLine(t, lines, "10 11 61 10")
		sizes <- remotecommand.TerminalSize{Width: 80, Height: 24}
		awaitLine(t, lines, "done")
		if _, err := io.Copy(io.Discard, lines); err != nil {
			t.Error(err)
		}
		if err := receive(t, "the end", ended); codeOf(err) != 3 {
			t.Errorf("%s: %v", protocol, err)
		}
		close(sizes)
		keyboard.Close()
	}
}

func TestAResizeAfterTheEndOfTheExecIsNoError(t *testing.T) {
	name := engine.UniqueName("web")
	eng.Run(t, name)
	config := testserver.Start(t, eng.Host()).Config(t)
	for protocol := range protocols {
		sizes, ended := make(streamclient.Sizes), make(chan error, 1)
		screen, output := io.Pipe()
		go func() {
			err := shell(config, name, "echo begun; exit 3").over(protocol).stream(t.Context(), remotecommand.StreamOptions{Stdout: output, Tty: true, TerminalSizeQueue: sizes})
			output.Close()
			ended <- err
		}()
		awaitLine(t, bufio.NewReader(screen), "begun")
		// The client sends one size after the other until it hears of the end, and so some after the end.
		var err error
		for running, width := true, uint16(80); running; width++ {
			select {
			case sizes <- remotecommand.TerminalSize{Width: width, Height: 24}:
			case err = <-ended:
				running = false
			}
		}
		if codeOf(err) != 3 {
			t.Errorf("%s: %v", protocol, err)
		}
		close(sizes)
	}
}

// awaitLine reads up to a line with that text.
func awaitLine(t *testing.T, lines *bufio.Reader, text string) {
	t.Helper()
	for {
		line, err := lines.ReadString('\n')
		if strings.Contains(line, text) {
			return
		}
		if err != nil {
			t.Fatalf("no line has %q: %v", text, err)
		}
	}
}

func TestACommandThatCannotBeRunIsRefusedInOneClearLine(t *testing.T) {
	running, paused, created := engine.UniqueName("web"), engine.UniqueName("paused"), engine.UniqueName("created")
	eng.Run(t, running)
	must(t, eng.Client().ContainerPause(t.Context(), eng.Run(t, paused)))
	eng.Create(t, created)
	config := testserver.Start(t, eng.Host()).Config(t)
	for protocol := range protocols {
		for what, test := range map[string]struct {
			session session
			want    string
		}{
			"not running":          {exec(config, created, "true"), "is not running"},
			"paused":               {exec(config, paused, "true"), "is paused"},
			"no container":         {exec(config, "none", "true"), `"none" not found`},
			"no command":           {exec(config, running), "command: Required value"},
			"an unknown parameter": {exec(config, running, "true").with("detachKeys", "a"), "there is no parameter"},
			"a bad variable":       {exec(config, running, "true").with("env", "A"), "must be NAME=VALUE"},
		} {
			_, _, err := test.session.over(protocol).run(t, nil)
			if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%s, %s: %v, want %s", protocol, what, err, test.want)
			}
		}
		stdout, _, err := exec(config, running, "/no/such/program").over(protocol).run(t, nil)
		if code := codeOf(err); code != 126 && code != 127 || !strings.Contains(stdout, "no such file") {
			t.Errorf("%s, no program: %q, %v", protocol, stdout, err)
		}
	}
}

func TestTTYWithStderrIs422(t *testing.T) {
	name := engine.UniqueName("web")
	eng.Run(t, name)
	config := testserver.Start(t, eng.Host()).Config(t)
	for protocol := range protocols {
		err := exec(config, name, "true").over(protocol).with("stderr", "true").stream(t.Context(), remotecommand.StreamOptions{Stdout: io.Discard, Tty: true})
		if err == nil || !strings.Contains(err.Error(), "cannot be combined with tty") {
			t.Errorf("%s: %v", protocol, err)
		}
	}
	client, err := rest.HTTPClientFor(config)
	must(t, err)
	t.Cleanup(client.CloseIdleConnections)
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		if code, body := request(t, client, method, config.Host+containers+name+"/exec?command=true&stdout=true&stderr=true&tty=true"); code != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d %s", method, code, body)
		}
	}
}

// request returns the code and the body of the answer to a request that does not ask for an upgrade.
func request(t *testing.T, client *http.Client, method, url string) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	must(t, err)
	response, err := client.Do(request)
	must(t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	must(t, err)
	return response.StatusCode, string(body)
}

func TestARequestForACommandWithoutAnUpgradeIs400AndRunsNothing(t *testing.T) {
	name := engine.UniqueName("web")
	id := eng.Run(t, name)
	config := testserver.Start(t, eng.Host()).Config(t)
	client, err := rest.HTTPClientFor(config)
	must(t, err)
	t.Cleanup(client.CloseIdleConnections)
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		code, body := request(t, client, method, config.Host+containers+name+"/exec?command=true&stdout=true")
		if code != http.StatusBadRequest || !strings.Contains(body, "does not ask for an upgrade") {
			t.Errorf("%s: %d %s", method, code, body)
		}
	}
	inspected, err := eng.Client().ContainerInspect(t.Context(), id)
	must(t, err)
	if len(inspected.ExecIDs) != 0 {
		t.Errorf("Docker has the commands %v", inspected.ExecIDs)
	}
}

func TestAContainerThatIsKilledOrRemovedDuringExecEndsIt(t *testing.T) {
	config := testserver.Start(t, eng.Host()).Config(t)
	for protocol := range protocols {
		for what, end := range map[string]func(id string) error{
			"killed": func(id string) error { return eng.Client().ContainerKill(context.Background(), id, "KILL") },
			"removed": func(id string) error {
				return eng.Client().ContainerRemove(context.Background(), id, container.RemoveOptions{Force: true})
			},
		} {
			name := engine.UniqueName("web")
			id := eng.Run(t, name)
			screen, output := io.Pipe()
			ended := make(chan error, 1)
			go func() {
				err := shell(config, name, "echo begun; sleep 1000").over(protocol).stream(t.Context(), remotecommand.StreamOptions{Stdout: output})
				output.Close()
				ended <- err
			}()
			awaitLine(t, bufio.NewReader(screen), "begun")
			must(t, end(id))
			err := receive(t, "the end", ended)
			if code := codeOf(err); code != 137 && (code != -1 || !strings.Contains(err.Error(), "was removed while the command ran")) {
				t.Errorf("%s, %s: %v", protocol, what, err)
			}
		}
	}
}

func TestAClientThatLeavesEndsItsConnectionToDocker(t *testing.T) {
	name := engine.UniqueName("web")
	eng.Run(t, name)
	config := testserver.Start(t, eng.Host()).Config(t)
	for protocol := range protocols {
		screen, output := io.Pipe()
		input, keyboard := io.Pipe()
		ctx, leave := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		marker := engine.UniqueName("marker")
		go func() {
			ended <- exec(config, name, "sh", "-c", "echo begun; cat; touch /"+marker).over(protocol).
				stream(ctx, remotecommand.StreamOptions{Stdin: input, Stdout: output})
		}()
		awaitLine(t, bufio.NewReader(screen), "begun")
		leave()
		screen.Close()
		receive(t, "the client's end", ended)
		// Docker ends the input of the command when the server has closed its connection.
		eventually(t, "the command has noticed", func() bool {
			_, _, err := exec(config, name, "test", "-e", "/"+marker).run(t, nil)
			return err == nil
		})
		keyboard.Close()
	}
}
