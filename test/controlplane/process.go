// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
)

const (
	// stopTimeout is how long a program may take to end after SIGTERM before it is killed.
	stopTimeout = 30 * time.Second
	// logTail is how many bytes of a program's log an error shows.
	logTail = 2000
)

// process is one program of a control plane. On Linux it never outlives the test process.
type process struct {
	name, log string
	command   *exec.Cmd
	exited    chan struct{}
}

// run starts a program that logs to a file.
func (c *ControlPlane) run(name string, args ...string) (*process, error) {
	p := &process{name: name, log: filepath.Join(c.dir, name+".log"), exited: make(chan struct{})}
	log, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("starting %s: %w", name, err)
	}
	defer log.Close()
	p.command = exec.Command(filepath.Join(c.bin, name), args...)
	p.command.Dir, p.command.Stdout, p.command.Stderr = c.dir, log, log
	p.command.SysProcAttr = endWithParent()
	if err := p.command.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", name, err)
	}
	go func() {
		_ = p.command.Wait() // the log explains the end better than the exit status
		close(p.exited)
	}()
	return p, nil
}

// await waits until check succeeds. If the program ends or takes too long, the error shows the end of its log.
func (p *process) await(check func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	var last error
	err := wait.PollUntilContextCancel(ctx, 50*time.Millisecond, true, func(ctx context.Context) (bool, error) {
		select {
		case <-p.exited:
			return false, errors.New("it has ended")
		default:
		}
		once, cancel := context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
		last = check(once)
		return last == nil, nil
	})
	if err == nil {
		return nil
	}
	return fmt.Errorf("waiting for %s: %w: %w\n%s", p.name, err, last, p.tail())
}

// tail returns the end of the program's log.
func (p *process) tail() []byte {
	content, err := os.ReadFile(p.log)
	if err != nil {
		return []byte(err.Error())
	}
	return bytes.TrimSpace(content[max(0, len(content)-logTail):])
}

// stop ends the program if it was started.
func (p *process) stop() error {
	if p == nil {
		return nil
	}
	_ = p.command.Process.Signal(syscall.SIGTERM) // fails if it has already ended
	select {
	case <-p.exited:
		return nil
	case <-time.After(stopTimeout):
	}
	_ = p.command.Process.Kill()
	<-p.exited
	return nil
}

// healthy returns an error unless a URL answers 200.
func healthy(ctx context.Context, url string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(response.Body, logTail))
		return fmt.Errorf("%s: %s: %s", url, response.Status, text)
	}
	return nil
}
