// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

// Package engine runs private Docker Engines for tests.
//
// An engine runs in PID and mount namespaces of its own. The first process in them is a supervisor: a second process of the
// test binary, which reads requests from a pipe. Only the test process can write to that pipe. However the test process
// ends, the pipe closes. The supervisor then kills every process in the namespaces and removes the engine's directory.
//
// The process IDs that the engine reports are those of its PID namespace and mean nothing outside of it.
package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/docker/docker/client"
)

// Engine is a private Docker Engine.
type Engine struct {
	dir     string
	client  *client.Client
	super   *exec.Cmd
	stdin   io.Closer
	request *json.Encoder
	reply   *json.Decoder
}

// Option changes how an engine is started.
type Option func(*options)

type options struct {
	dockerd  string
	args     []string
	dataSize string
}

// LiveRestore keeps containers running while dockerd is down.
func LiveRestore() Option { return Args("--live-restore") }

// Args adds arguments to dockerd's command line.
func Args(args ...string) Option {
	return func(o *options) { o.args = append(o.args, args...) }
}

// DataSize puts the engine's data on an in-memory file system of this size, such as 256m.
func DataSize(size string) Option {
	return func(o *options) { o.dataSize = size }
}

// Dockerd sets the dockerd to run. The default is $ENGINE_DOCKERD, else the installed one. Programs in the same directory,
// such as containerd and runc, are preferred to the installed ones.
func Dockerd(path string) Option {
	return func(o *options) { o.dockerd = path }
}

// Main runs the tests of m, a *testing.M or a wrapper of one, and returns their exit code. While they run, *e is a new
// engine. Main unsets the user's DOCKER_ variables, so that a docker command of a test cannot reach another engine.
func Main(m interface{ Run() int }, e **Engine, opts ...Option) int {
	for _, variable := range os.Environ() {
		if name, _, _ := strings.Cut(variable, "="); strings.HasPrefix(name, "DOCKER_") {
			os.Unsetenv(name)
		}
	}
	started, err := Start(opts...)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	*e = started
	code := m.Run()
	if err := started.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

// StartFor is like Start. The engine ends with the test.
func StartFor(t testing.TB, opts ...Option) *Engine {
	t.Helper()
	e, err := Start(opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Stop(); err != nil {
			t.Error(err)
		}
	})
	return e
}

// Start starts an engine and waits until it answers. It holds one image, busybox:latest.
func Start(opts ...Option) (*Engine, error) {
	o := options{dockerd: os.Getenv("ENGINE_DOCKERD")}
	for _, opt := range opts {
		opt(&o)
	}
	if runtime.GOOS != "linux" || os.Geteuid() != 0 {
		return nil, errors.New("a private Docker Engine needs Linux and root")
	}
	if err := install(); err != nil {
		return nil, err
	}
	if o.dockerd == "" {
		o.dockerd = "dockerd"
	}
	dockerd, err := lookPath(o.dockerd)
	if err != nil {
		return nil, fmt.Errorf("finding dockerd: %w", err)
	}
	dir, err := makeDir()
	if err != nil {
		return nil, fmt.Errorf("making a directory for the engine: %w", err)
	}
	e := &Engine{dir: dir}
	e.client, err = client.NewClientWithOpts(client.WithHost(e.Host()), client.WithAPIVersionNegotiation())
	if err == nil {
		err = e.supervise(dockerd, o)
	}
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	if err := e.start(); err != nil {
		return nil, errors.Join(err, e.Stop())
	}
	return e, nil
}

func (e *Engine) start() error {
	if err := e.Restart(); err != nil {
		return err
	}
	return e.ImportBusybox(context.Background())
}

// Host returns the engine's address in the form of DOCKER_HOST.
func (e *Engine) Host() string { return "unix://" + filepath.Join(e.dir, "docker.sock") }

// Client returns a Docker client of the engine.
func (e *Engine) Client() *client.Client { return e.client }

// Dir returns the directory of the engine's socket, log and data.
func (e *Engine) Dir() string { return e.dir }

// Stop ends the engine and all its containers, and removes its directory.
func (e *Engine) Stop() error {
	e.client.Close()
	if err := e.stdin.Close(); err != nil {
		return fmt.Errorf("stopping the engine: %w", err)
	}
	err := e.answer()
	if errors.Is(err, io.EOF) {
		err = nil
	}
	if err := errors.Join(err, e.super.Wait()); err != nil {
		return fmt.Errorf("stopping the engine: %w", err)
	}
	return nil
}

// Kill ends dockerd and its containerd with SIGKILL. The containers keep running until the next start of dockerd.
func (e *Engine) Kill() error { return e.do(kill) }

// Terminate ends dockerd with SIGTERM and waits until it has ended, as a service manager does.
func (e *Engine) Terminate() error { return e.do(terminate) }

// Restart terminates dockerd if it runs, then starts it and waits until it answers.
func (e *Engine) Restart() error {
	if err := e.Terminate(); err != nil {
		return err
	}
	return e.do(start)
}

// Pause suspends dockerd by SIGSTOP. The kernel still accepts connections, but nothing answers.
func (e *Engine) Pause() error { return e.do(pause) }

// Resume ends a Pause.
func (e *Engine) Resume() error { return e.do(resume) }

// Fill fills the engine's data directory to the last byte. The engine must have a DataSize.
func (e *Engine) Fill() error { return e.do(fill) }

// Free ends a Fill.
func (e *Engine) Free() error { return e.do(free) }

type request string

const (
	start     request = "start"
	kill      request = "kill"
	terminate request = "terminate"
	pause     request = "pause"
	resume    request = "resume"
	fill      request = "fill"
	free      request = "free"
)

func (e *Engine) do(r request) error {
	if err := e.request.Encode(r); err != nil {
		return fmt.Errorf("%s engine: %w", r, err)
	}
	if err := e.answer(); err != nil {
		return fmt.Errorf("%s engine: %w", r, err)
	}
	return nil
}

func (e *Engine) answer() error {
	var problem string
	if err := e.reply.Decode(&problem); err != nil {
		return err
	}
	if problem != "" {
		return errors.New(problem)
	}
	return nil
}

// Configure writes the settings to daemon.json. The next start of dockerd uses them.
func (e *Engine) Configure(settings map[string]any) error {
	content, err := json.Marshal(settings)
	if err == nil {
		err = os.WriteFile(e.config(), content, 0o600)
	}
	if err != nil {
		return fmt.Errorf("writing the engine's configuration: %w", err)
	}
	return nil
}

func (e *Engine) config() string { return filepath.Join(e.dir, "daemon.json") }

func (e *Engine) supervise(dockerd string, o options) error {
	if err := e.Configure(map[string]any{}); err != nil {
		return err
	}
	e.super = exec.Command("/proc/self/exe", append([]string{dockerd,
		"--config-file", e.config(),
		"--host", e.Host(),
		"--data-root", filepath.Join(e.dir, "data"),
		"--exec-root", filepath.Join(e.dir, "exec"),
		"--pidfile", filepath.Join(e.dir, "docker.pid"),
		"--exec-opt", "native.cgroupdriver=cgroupfs",
		"--cgroup-parent", "/" + filepath.Base(e.dir),
		"--bridge", "none",
		"--default-address-pool", addressPool(e.dir),
		"--iptables=false",
	}, o.args...)...)
	e.super.Env = []string{
		superviseEnv + "=" + e.dir,
		dataSizeEnv + "=" + o.dataSize,
		"PATH=" + filepath.Dir(dockerd) + ":" + searchPath(),
		"HOME=" + e.dir,
	}
	e.super.SysProcAttr = isolated()
	stdin, err := e.super.StdinPipe()
	if err != nil {
		return fmt.Errorf("starting the engine's supervisor: %w", err)
	}
	stdout, err := e.super.StdoutPipe()
	if err != nil {
		return fmt.Errorf("starting the engine's supervisor: %w", err)
	}
	e.stdin, e.request, e.reply = stdin, json.NewEncoder(stdin), json.NewDecoder(stdout)
	if err := e.super.Start(); err != nil {
		return fmt.Errorf("starting the engine's supervisor: %w", err)
	}
	return nil
}

// addressPool returns the range of the engine's networks that name no subnet. All engines share the host's network namespace.
// With Docker's own ranges, two engines that create networks at once could choose the same subnet.
func addressPool(dir string) string {
	part := crc32.ChecksumIEEE([]byte(dir)) % 256 // of the 256 that 100.64.0.0/10 has
	return fmt.Sprintf("base=100.%d.%d.0/18,size=24", 64+part/4, part%4*64)
}

// makeDir makes the engine's directory. Its path is short, because paths of Unix sockets are limited. It is outside of /run,
// because the engine's mount namespace has a /run of its own.
func makeDir() (string, error) {
	parent := os.TempDir()
	if len(parent) > 40 || strings.HasPrefix(parent, "/run/") || strings.HasPrefix(parent, "/var/run/") {
		parent = "/tmp"
	}
	return os.MkdirTemp(parent, "engine-")
}
