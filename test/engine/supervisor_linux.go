// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/docker/docker/client"
	"golang.org/x/sys/unix"
)

const (
	superviseEnv = "ENGINE_SUPERVISE"
	dataSizeEnv  = "ENGINE_DATA_SIZE"
)

func isolated() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setsid: true, Cloneflags: syscall.CLONE_NEWPID | syscall.CLONE_NEWNS}
}

func init() {
	if dir := os.Getenv(superviseEnv); dir != "" {
		os.Exit(supervise(dir))
	}
}

type supervisor struct {
	dir string

	mu     sync.Mutex
	pid    int
	exited chan struct{}
}

// supervise runs as PID 1 of an engine's PID namespace. It serves requests until the test process closes the pipe or ends.
func supervise(dir string) int {
	s := &supervisor{dir: dir, exited: make(chan struct{})}
	close(s.exited)
	reply := json.NewEncoder(os.Stdout)

	// Catch the signals and drop them. Children would inherit ignored signals.
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, unix.SIGCHLD, unix.SIGPIPE, unix.SIGINT, unix.SIGTERM, unix.SIGHUP, unix.SIGQUIT)
	go func() {
		for range signals {
			s.reap()
		}
	}()

	problem := isolate()
	if size := os.Getenv(dataSizeEnv); problem == nil && size != "" {
		problem = s.mountData(size)
	}
	requests := json.NewDecoder(os.Stdin)
	for {
		var r request
		if requests.Decode(&r) != nil {
			break
		}
		// Handle the request in a goroutine, so that the loop notices the end of the pipe at once.
		go func() {
			err := problem
			if err == nil {
				err = s.handle(r)
			}
			_ = reply.Encode(text(err))
		}()
	}
	if err := s.cleanUp(); err != nil {
		_ = reply.Encode(text(err))
		return 1
	}
	return 0
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func isolate() error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("making mounts private: %w", err)
	}
	if err := unix.Mount("proc", "/proc", "proc", 0, ""); err != nil {
		return fmt.Errorf("mounting /proc: %w", err)
	}
	if err := unix.Mount("tmpfs", "/run", "tmpfs", 0, "mode=755"); err != nil {
		return fmt.Errorf("mounting /run: %w", err)
	}
	return nil
}

func (s *supervisor) reap() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		pid, err := unix.Wait4(-1, nil, unix.WNOHANG, nil)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil || pid == 0 {
			return
		}
		if pid == s.pid {
			s.pid = 0
			close(s.exited)
		}
	}
}

func (s *supervisor) handle(r request) error {
	switch r {
	case start:
		return s.start()
	case terminate:
		return s.end(unix.SIGTERM)
	case kill:
		if err := s.end(unix.SIGKILL); err != nil {
			return err
		}
		return s.killContainerd()
	case pause:
		if err := s.signal(unix.SIGSTOP); err != nil {
			return err
		}
		return s.waitStopped()
	case resume:
		return s.signal(unix.SIGCONT)
	case fill:
		return s.fill()
	case free:
		return os.Remove(s.filler())
	default:
		return fmt.Errorf("unknown request %q", r)
	}
}

func (s *supervisor) start() error {
	log, err := os.OpenFile(filepath.Join(s.dir, "dockerd.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("opening the log: %w", err)
	}
	defer log.Close()
	cmd := exec.Command(os.Args[1], os.Args[2:]...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + s.dir}
	cmd.Stdout, cmd.Stderr = log, log

	exited := make(chan struct{})
	s.mu.Lock()
	err = cmd.Start()
	if err == nil {
		s.pid, s.exited = cmd.Process.Pid, exited
	}
	s.mu.Unlock()
	if err != nil {
		return err
	}
	if err := s.waitReady(exited); err != nil {
		return fmt.Errorf("%w; its log ends:\n%s", err, tail(log.Name()))
	}
	return nil
}

func (s *supervisor) waitReady(exited <-chan struct{}) error {
	docker, err := client.NewClientWithOpts(client.WithHost("unix://" + filepath.Join(s.dir, "docker.sock")))
	if err != nil {
		return err
	}
	defer docker.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	for tick := time.Tick(20 * time.Millisecond); ; {
		if _, err = docker.Ping(ctx); err == nil {
			return nil
		}
		select {
		case <-exited:
			return errors.New("dockerd exited")
		case <-ctx.Done():
			return fmt.Errorf("dockerd does not answer: %w", err)
		case <-tick:
		}
	}
}

func tail(path string) string {
	data, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(string(data), "\n")
	return strings.Join(lines[max(0, len(lines)-30):], "\n")
}

func (s *supervisor) signal(sig unix.Signal) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.pid == 0 {
		return errors.New("dockerd is not running")
	}
	return unix.Kill(s.pid, sig)
}

// waitStopped waits until no thread of dockerd runs. After SIGSTOP a thread that is on a processor still runs for a moment.
func (s *supervisor) waitStopped() error {
	s.mu.Lock()
	pid := s.pid
	s.mu.Unlock()
	deadline := time.After(2 * time.Minute)
	for tick := time.Tick(time.Millisecond); ; {
		running, err := runningThreads(pid)
		if err != nil || running == 0 {
			return err
		}
		select {
		case <-deadline:
			return fmt.Errorf("%d threads of dockerd still run after SIGSTOP", running)
		case <-tick:
		}
	}
}

func runningThreads(pid int) (int, error) {
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
	if err != nil {
		return 0, err
	}
	running := 0
	for _, file := range files {
		data, err := os.ReadFile(file)
		if errors.Is(err, os.ErrNotExist) || errors.Is(err, unix.ESRCH) {
			continue // the thread has just ended
		}
		if err != nil {
			return 0, fmt.Errorf("reading the state of a thread: %w", err)
		}
		// The state follows the name, which is in parentheses and may hold any character.
		state := strings.TrimSpace(string(data[bytes.LastIndexByte(data, ')')+1:]))
		if !strings.HasPrefix(state, "T") {
			running++
		}
	}
	return running, nil
}

func (s *supervisor) end(sig unix.Signal) error {
	s.mu.Lock()
	pid, exited := s.pid, s.exited
	s.mu.Unlock()
	if pid == 0 {
		return nil
	}
	if err := s.signal(sig); err != nil {
		return err
	}
	select {
	case <-exited:
		return nil
	case <-time.After(2 * time.Minute):
		return fmt.Errorf("dockerd does not end on %v", sig)
	}
}

// killContainerd kills dockerd's containerd and removes its PID file. The next dockerd would wait for the old containerd.
func (s *supervisor) killContainerd() error {
	pidFile := filepath.Join(s.dir, "exec", "containerd", "containerd.pid")
	data, err := os.ReadFile(pidFile)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("killing containerd: %w", err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(data)))
	if err != nil {
		return fmt.Errorf("killing containerd: %w", err)
	}
	if err := s.killAndWait(pid); err != nil {
		return fmt.Errorf("killing containerd: %w", err)
	}
	return os.Remove(pidFile)
}

// killAndWait kills a process and waits for its end. As for kill(2), the PID -1 means every other process of the namespace.
func (s *supervisor) killAndWait(pid int) error {
	deadline := time.After(2 * time.Minute)
	for tick := time.Tick(5 * time.Millisecond); ; {
		err := unix.Kill(pid, unix.SIGKILL)
		if errors.Is(err, unix.ESRCH) {
			return nil
		}
		if err != nil {
			return err
		}
		if pid == -1 {
			if err := thawCgroups(filepath.Base(s.dir)); err != nil {
				return err
			}
		}
		select {
		case <-deadline:
			return fmt.Errorf("process %d does not end", pid)
		case <-tick:
		}
	}
}

func (s *supervisor) cleanUp() error {
	if err := s.killAndWait(-1); err != nil {
		return err
	}
	bridges := removeBridges(filepath.Join(s.dir, "data"))
	if err := unmountBelow(s.dir); err != nil {
		return errors.Join(bridges, err)
	}
	return errors.Join(bridges, removeCgroups(filepath.Base(s.dir)), os.RemoveAll(s.dir))
}
