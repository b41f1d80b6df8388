// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package plugin_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	"golang.org/x/sys/unix"

	"github.com/rancher-sandbox/engine-apiserver/test/engine"
	"github.com/rancher-sandbox/engine-apiserver/test/kubectl"
)

// terminal is a terminal with 33 rows and 99 columns. The test is its user.
type terminal struct {
	user, program *os.File
}

func openTerminal(t *testing.T) *terminal {
	t.Helper()
	user, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { user.Close() })
	number := 0
	if raw, err := user.SyscallConn(); err != nil {
		t.Fatal(err)
	} else if err := raw.Control(func(fd uintptr) {
		if err := unix.IoctlSetPointerInt(int(fd), unix.TIOCSPTLCK, 0); err != nil {
			t.Error(err)
		}
		if number, err = unix.IoctlGetInt(int(fd), unix.TIOCGPTN); err != nil {
			t.Error(err)
		}
		if err := unix.IoctlSetWinsize(int(fd), unix.TIOCSWINSZ, &unix.Winsize{Row: 33, Col: 99}); err != nil {
			t.Error(err)
		}
	}); err != nil {
		t.Fatal(err)
	}
	program, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { program.Close() })
	if err := user.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	return &terminal{user, program}
}

// start runs kubectl engine in the terminal.
func (s *terminal) start(t *testing.T, arguments ...string) *exec.Cmd {
	t.Helper()
	command := command(t, kubectl.Any(t, server.Kubeconfig), append([]string{"engine"}, arguments...)...)
	command.Stdin, command.Stdout, command.Stderr = s.program, s.program, s.program
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	return command
}

// shows waits until the terminal shows a text. It returns what the terminal has shown meanwhile.
func (s *terminal) shows(t *testing.T, text string) (shown string) {
	t.Helper()
	var seen []byte
	for part := make([]byte, 4096); !bytes.Contains(seen, []byte(text)); {
		n, err := s.user.Read(part)
		if err != nil {
			t.Fatalf("%q does not show %q: %v", seen, text, err)
		}
		seen = append(seen, part[:n]...)
	}
	return string(seen)
}

// types sends what the user types.
func (s *terminal) types(t *testing.T, keys string) {
	t.Helper()
	if _, err := s.user.WriteString(keys); err != nil {
		t.Fatal(err)
	}
}

// mode returns how the terminal treats what is typed and shown.
func (s *terminal) mode(t *testing.T) unix.Termios {
	t.Helper()
	mode, err := unix.IoctlGetTermios(int(s.program.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	return *mode
}

func TestExecGivesACommandTheUsersTerminalAndRestoresIt(t *testing.T) {
	name := engine.UniqueName("exec")
	docker.Run(t, name)
	screen := openTerminal(t)
	before := screen.mode(t)
	// As with docker, the size of the terminal arrives when the command runs already.
	script := `echo begun; read line; echo "got $line"; until [ "$(stty size)" = "33 99" ]; do usleep 10000; done; exit 5`
	command := screen.start(t, "exec", "-it", name, "sh", "-c", script)
	screen.shows(t, "begun")
	if screen.mode(t) == before {
		t.Error("the keys do not go to the command as they are typed")
	}
	screen.types(t, "hello\r")
	screen.shows(t, "got hello\r\n")
	_ = command.Wait()
	if code := command.ProcessState.ExitCode(); code != 5 {
		t.Errorf("exit code %d", code)
	}
	if screen.mode(t) != before {
		t.Error("the terminal is not as it was")
	}
}

func TestAttachLeavesAContainerAtTheDetachKeysAndRestoresTheTerminal(t *testing.T) {
	name := engine.UniqueName("attached")
	id := docker.Run(t, name, engine.Command("cat"), func(config *container.Config, _ *container.HostConfig) {
		config.OpenStdin, config.Tty = true, true
	})
	for keys, arguments := range map[string][]string{"\x10\x11": nil, "\x01x": {"--detach-keys", "ctrl-a,x"}} {
		screen := openTerminal(t)
		before := screen.mode(t)
		command := screen.start(t, append(append([]string{"attach"}, arguments...), name)...)
		kubectl.Eventually(t, "keys are sent as they are typed", func() bool { return screen.mode(t) != before })
		screen.types(t, "hello\r")
		screen.shows(t, "hello\r\nhello\r\n") // the container's terminal shows what is typed, and cat repeats it
		screen.types(t, keys)
		screen.shows(t, "read escape sequence")
		if err := command.Wait(); err != nil {
			t.Error(err)
		}
		if screen.mode(t) != before {
			t.Error("the terminal is not as it was")
		}
		if status := dockerStatus(t, id); status != "running" {
			t.Errorf("the container is %s", status)
		}
	}
}

func TestARunHasTheUsersTerminalFromItsFirstByte(t *testing.T) {
	name := newName(t)
	screen := openTerminal(t)
	before := screen.mode(t)
	script := `echo begun; read line; echo "got $line"; until [ "$(stty size)" = "33 99" ]; do usleep 10000; done; exit 5`
	command := screen.start(t, "run", "-it", "--rm", "--name", name, "--network", "none", "busybox", "sh", "-c", script)
	screen.shows(t, "begun")
	screen.types(t, "hello\r")
	screen.shows(t, "got hello\r\n")
	_ = command.Wait()
	if code := command.ProcessState.ExitCode(); code != 5 || docker.Inspect(t, name) != nil {
		t.Errorf("exit code %d, %+v", code, docker.Inspect(t, name))
	}
	if screen.mode(t) != before {
		t.Error("the terminal is not as it was")
	}
}

func TestARunGoesOnWhenItsUserLeaves(t *testing.T) {
	name := newName(t)
	screen := openTerminal(t)
	command := screen.start(t, "run", "-it", "--rm", "--name", name, "--network", "none", "busybox", "sh", "-c", "echo begun; cat")
	screen.shows(t, "begun")
	screen.types(t, "\x10\x11")
	screen.shows(t, "read escape sequence")
	if err := command.Wait(); err != nil {
		t.Error(err)
	}
	if status := dockerStatus(t, name); status != "running" {
		t.Errorf("the container is %s", status)
	}
}

func TestAPruneAsksItsUser(t *testing.T) {
	dangling := docker.DanglingImage(t)
	for _, isPruned := range []bool{false, true} {
		answer := map[bool]string{false: "n\r", true: "y\r"}[isPruned]
		screen := openTerminal(t)
		command := screen.start(t, "image", "prune")
		screen.shows(t, "Are you sure you want to continue? [y/N] ")
		screen.types(t, answer)
		if isPruned {
			screen.shows(t, "deleted: "+dangling)
		}
		if err := command.Wait(); err != nil {
			t.Error(err)
		}
		if hasImage(t, dangling) == isPruned {
			t.Errorf("after %q the image is gone: %t", answer, !isPruned)
		}
	}
}
