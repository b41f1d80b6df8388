// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package testserver

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rancher-sandbox/engine-apiserver/pkg/cmd/server"
	"github.com/rancher-sandbox/engine-apiserver/test/freeport"
)

const (
	// commandEnv is the environment variable that makes a test binary run as the engine-apiserver command.
	commandEnv = "TESTSERVER_COMMAND"
	// timeout is how long a server may take to start or to end on a loaded machine.
	timeout = 2 * time.Minute
)

func init() {
	if os.Getenv(commandEnv) != "" {
		os.Exit(command())
	}
}

func command() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	go func() { // standard input ends with the test process, however that ends
		_, _ = io.Copy(io.Discard, os.Stdin)
		stop()
	}()
	if err := server.NewCommand().ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "engine-apiserver: error:", err)
		return 1
	}
	return 0
}

// Command returns the engine-apiserver command as a process of its own: the test binary, run a second time. The process ends
// with the test process.
func Command(args ...string) *exec.Cmd {
	command := exec.Command("/proc/self/exe", args...)
	command.Env = append(os.Environ(), commandEnv+"=1")
	if _, err := command.StdinPipe(); err != nil { // closed when the command or this process ends
		panic(err) // impossible: the command is new and has no standard input
	}
	return command
}

// Process is a running engine-apiserver command.
type Process struct {
	command *exec.Cmd
	ended   chan struct{}

	mu     sync.Mutex
	output strings.Builder
	more   chan struct{} // closed and replaced when there is more output
}

// RunProcess starts the command. The caller must end it.
func RunProcess(args ...string) (*Process, error) {
	p := &Process{command: Command(args...), ended: make(chan struct{}), more: make(chan struct{})}
	p.command.Stdout, p.command.Stderr = p, p
	if err := p.command.Start(); err != nil {
		return nil, fmt.Errorf("starting the server: %w", err)
	}
	go func() {
		_ = p.command.Wait()
		close(p.ended)
	}()
	return p, nil
}

// StartProcess starts the command for one test. The end of the test kills it.
func StartProcess(t testing.TB, args ...string) *Process {
	t.Helper()
	p, err := RunProcess(args...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.Kill()
		if t.Failed() {
			t.Logf("%v:\n%s", args, p.Output())
		}
	})
	return p
}

// Write implements io.Writer for the process's output.
func (p *Process) Write(output []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.output.Write(output)
	close(p.more)
	p.more = make(chan struct{})
	return len(output), nil
}

// Output returns what the process has printed so far.
func (p *Process) Output() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.output.String()
}

// Await waits until the process has printed the words.
func (p *Process) Await(t testing.TB, words string) {
	t.Helper()
	for deadline := time.After(timeout); ; {
		p.mu.Lock()
		output, more := p.output.String(), p.more
		p.mu.Unlock()
		if strings.Contains(output, words) {
			return
		}
		select {
		case <-more:
		case <-p.ended:
			if !strings.Contains(p.Output(), words) {
				t.Fatalf("the server ended without printing %q:\n%s", words, p.Output())
			}
		case <-deadline:
			t.Fatalf("the server does not print %q:\n%s", words, output)
		}
	}
}

// Kill ends the process with SIGKILL.
func (p *Process) Kill() {
	_ = p.command.Process.Kill() // fails if it has already ended
	<-p.ended
}

// Terminate ends the process with SIGTERM, as a service manager does. The test fails unless the exit status is 0.
func (p *Process) Terminate(t testing.TB) {
	t.Helper()
	if err := p.command.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case <-p.ended:
	case <-time.After(timeout):
		t.Fatalf("the server does not end:\n%s", p.Output())
	}
	if code := p.command.ProcessState.ExitCode(); code != 0 {
		t.Errorf("the server ended with status %d:\n%s", code, p.Output())
	}
}

// FreePort returns a TCP port at which nothing listens on the host.
func FreePort(t testing.TB, host string) string {
	t.Helper()
	port, err := freeport.On(host)
	if err != nil {
		t.Fatal(err)
	}
	return strconv.Itoa(port)
}
