// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package install_test

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/coreos/go-systemd/v22/unit"
)

// timeout is how long a service may take to start or to end on a loaded machine.
const timeout = 2 * time.Minute

// service is a unit of systemd in a root, and its user.
type service struct {
	root    root
	options []*unit.UnitOption
	user    uint32
	// home is the home directory for a service of that user, or empty for a service of the system.
	home string
}

func newService(t *testing.T, r root, file string, user uint32, home string) *service {
	t.Helper()
	opened, err := os.Open(r.path(file))
	if err != nil {
		t.Fatal(err)
	}
	defer opened.Close()
	options, err := unit.DeserializeOptions(opened)
	if err != nil {
		t.Fatal(err)
	}
	return &service{r, options, user, home}
}

// value returns the one value of a directive.
func (s *service) value(t *testing.T, name string) string {
	t.Helper()
	var values []string
	for _, option := range s.options {
		if option.Section == "Service" && option.Name == name {
			values = append(values, strings.ReplaceAll(option.Value, "%h", s.home))
		}
	}
	if len(values) != 1 {
		t.Fatalf("the unit has %d values of %s", len(values), name)
	}
	return values[0]
}

// configure writes the unit's environment file.
func (s *service) configure(t *testing.T, lines string) {
	t.Helper()
	file := s.root.path(strings.TrimPrefix(s.value(t, "EnvironmentFile"), "-"))
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(lines), 0o644); err != nil {
		t.Fatal(err)
	}
}

// environment returns the variables of the unit's environment file.
func (s *service) environment(t *testing.T) map[string]string {
	t.Helper()
	content, err := os.ReadFile(s.root.path(strings.TrimPrefix(s.value(t, "EnvironmentFile"), "-")))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	variables := map[string]string{}
	for line := range strings.Lines(string(content)) {
		if name, value, found := strings.Cut(strings.TrimSpace(line), "="); found && !strings.HasPrefix(name, "#") {
			variables[name] = value
		}
	}
	return variables
}

// start runs the command of ExecStart in the root and waits until it has told systemd that it is ready. Stop ends it.
func (s *service) start(t *testing.T) (stop func()) {
	t.Helper()
	variables := s.environment(t)
	var words []string
	for word := range strings.FieldsSeq(s.value(t, "ExecStart")) {
		if name, isVariable := strings.CutPrefix(word, "$"); isVariable {
			words = append(words, strings.Fields(variables[name])...)
			continue
		}
		words = append(words, word)
	}
	const socket = "/run/notify.sock"
	ready := listen(t, s.root.path(socket))

	command := exec.Command(s.root.path(words[0]), words[1:]...)
	command.Args[0], command.Dir = words[0], "/"
	command.Env = []string{"PATH=/usr/bin:/bin", "NOTIFY_SOCKET=" + socket}
	for name, value := range variables {
		command.Env = append(command.Env, name+"="+value)
	}
	if s.home != "" {
		command.Env = append(command.Env, "HOME="+s.home)
	}
	var output strings.Builder
	command.Stdout, command.Stderr = &output, &output
	command.SysProcAttr = &syscall.SysProcAttr{
		Chroot:     string(s.root),
		Credential: &syscall.Credential{Uid: s.user, Gid: s.user, Groups: []uint32{s.group(t)}},
	}
	command.Path = words[0] // in the root
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- command.Wait() }()
	t.Cleanup(func() { _ = command.Process.Kill() })
	select {
	case <-ready:
	case err := <-ended:
		t.Fatalf("%q has ended: %v\n%s", words, err, output.String())
	case <-time.After(timeout):
		t.Fatalf("%q does not say that it is ready", words)
	}
	return func() {
		if err := command.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("%q has ended: %v\n%s", words, err, output.String())
			}
		case <-time.After(timeout):
			t.Fatalf("%q does not end", words)
		}
	}
}

// group returns the group of Docker's socket, in which systemd puts a service with SupplementaryGroups=docker, and in which a
// user is who may use Docker.
func (s *service) group(t *testing.T) uint32 {
	t.Helper()
	info, err := os.Stat(s.root.path("/run/docker.sock"))
	if err != nil {
		t.Fatal(err)
	}
	return info.Sys().(*syscall.Stat_t).Gid
}

// makeStateDirectory does what systemd does for StateDirectory.
func (s *service) makeStateDirectory(t *testing.T) string {
	t.Helper()
	name := path.Join("/var/lib", s.value(t, "StateDirectory"))
	s.makeDirectory(t, name)
	return name
}

// makeDirectory makes a directory that only the user of the service can read.
func (s *service) makeDirectory(t *testing.T, name string) {
	t.Helper()
	if err := os.MkdirAll(s.root.path(name), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(s.root.path(name), int(s.user), int(s.user)); err != nil {
		t.Fatal(err)
	}
}

// listen listens at a socket of systemd's notify protocol. The channel is closed when a service says that it is ready.
func listen(t *testing.T, socket string) <-chan struct{} {
	t.Helper()
	connection, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(socket, 0o777); err != nil {
		t.Fatal(err)
	}
	ready, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		message := make([]byte, 4096)
		for isReady := false; ; {
			n, err := connection.Read(message)
			if err != nil {
				return
			}
			if !isReady && slices.Contains(strings.Split(string(message[:n]), "\n"), "READY=1") {
				isReady = true
				close(ready)
			}
		}
	}()
	t.Cleanup(func() {
		connection.Close()
		<-ended
		_ = os.Remove(socket)
	})
	return ready
}
