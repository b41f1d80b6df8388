// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package bench_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/pkg/stdcopy"
	"k8s.io/client-go/tools/remotecommand"

	"github.com/rancher-sandbox/engine-apiserver/test/engine"
)

// commands measures commands in a container: how long one takes that does nothing, and how long the echo of a keystroke.
func (s *setting) commands() {
	clients, stop := s.dockerClients()
	defer stop()
	name := engine.UniqueName("exec")
	remove := s.run(name)
	defer remove()
	s.commandsEnd(name, clients)
	s.keystrokesEcho(name, clients)
}

func (s *setting) commandsEnd(name string, clients map[side]dockerClient) {
	const figure = "time to run true by exec"
	calls := []func() error{s.timed(figure, standalone, func() error {
		return s.execute(s.Context(), name, "exec", url.Values{"command": {"true"}}, remotecommand.StreamOptions{Stdout: io.Discard, Stderr: io.Discard})
	})}
	for of, d := range clients {
		calls = append(calls, s.timed(figure, of, func() error { return d.exec(s.Context(), name, "true") }))
	}
	for range s.moments {
		s.turns(calls...)
	}
}

// exec runs a command as the docker command does.
func (c dockerClient) exec(ctx context.Context, name string, command ...string) error {
	if _, err := c.ContainerInspect(ctx, name); err != nil {
		return err
	}
	created, err := c.ContainerExecCreate(ctx, name, container.ExecOptions{Cmd: command, AttachStdout: true, AttachStderr: true})
	if err != nil {
		return err
	}
	attached, err := c.ContainerExecAttach(ctx, created.ID, container.ExecAttachOptions{})
	if err != nil {
		return err
	}
	defer attached.Close()
	if _, err := stdcopy.StdCopy(io.Discard, io.Discard, attached.Reader); err != nil {
		return err
	}
	ended, err := c.ContainerExecInspect(ctx, created.ID)
	if err == nil && ended.ExitCode != 0 {
		err = fmt.Errorf("%v exited with %d", command, ended.ExitCode)
	}
	return err
}

// keystrokesEcho measures how long it takes until a terminal shows a key that was pressed. No process but the terminal itself
// takes part.
func (s *setting) keystrokesEcho(name string, clients map[side]dockerClient) {
	ctx := s.Context()
	sessions := map[side]func(stdin io.Reader, stdout io.Writer) error{standalone: func(stdin io.Reader, stdout io.Writer) error {
		return s.execute(ctx, name, "exec", url.Values{"command": {"cat"}}, remotecommand.StreamOptions{Stdin: stdin, Stdout: stdout, Tty: true})
	}}
	for of, d := range clients {
		sessions[of] = func(stdin io.Reader, stdout io.Writer) error { return d.terminal(ctx, name, stdin, stdout, "cat") }
	}
	var calls, ends []func() error
	for of, session := range sessions {
		stdin, keys := io.Pipe()
		screen, stdout := io.Pipe()
		ended := make(chan error, 1)
		go func() {
			err := session(stdin, stdout)
			stdout.CloseWithError(err) // a keystroke that is waited for has no echo
			ended <- err
		}()
		calls = append(calls, s.timed("time to echo a keystroke", of, func() error {
			if _, err := keys.Write([]byte("x")); err != nil {
				return err
			}
			return readOne(screen)
		}))
		ends = append(ends, func() error {
			go func() { _, _ = io.Copy(io.Discard, screen) }()
			const endOfInput = "\n\x04"
			_, err := keys.Write([]byte(endOfInput))
			return errors.Join(err, <-ended, keys.Close())
		})
	}
	for range s.moments {
		s.turns(calls...)
	}
	s.turns(ends...)
}

// terminal runs a command in a terminal, and copies as the docker command does.
func (c dockerClient) terminal(ctx context.Context, name string, stdin io.Reader, stdout io.Writer, command ...string) error {
	created, err := c.ContainerExecCreate(ctx, name, container.ExecOptions{Cmd: command, Tty: true, AttachStdin: true, AttachStdout: true})
	if err != nil {
		return err
	}
	attached, err := c.ContainerExecAttach(ctx, created.ID, container.ExecAttachOptions{Tty: true})
	if err != nil {
		return err
	}
	defer attached.Close()
	go func() { _, _ = io.Copy(attached.Conn, stdin) }() // ends with the next keystroke, or with stdin
	_, err = io.Copy(stdout, attached.Reader)
	return err
}
