// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package clients

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"sync"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/docker/client"
	"github.com/docker/docker/pkg/stdcopy"
	"k8s.io/client-go/rest"

	"github.com/rancher-sandbox/engine-apiserver/test/engine"
	"github.com/rancher-sandbox/engine-apiserver/test/robustness/history"
)

const (
	// archived is the file that is copied from containers.
	archived = "/bin/busybox"
	// echoPort is the port on which the worker sends back what it gets.
	echoPort = 7
	// logLines is how many lines the writer of a log writes.
	logLines = 4000
)

// Stage has the containers whose streams the clients read. No writer of the traffic touches them. If one has ended,
// because of a fault for example, the next client makes another one.
type Stage struct {
	docker *client.Client
	config *rest.Config
	prefix string

	making    sync.Mutex // held while something is made that all clients share
	archive   string
	networked bool

	mu     sync.Mutex
	number int
	roles  map[string]string // the newest container of each role
	seen   map[string]int    // how many bytes of each log a client has seen
}

// NewStage returns a stage without containers. Their names begin with the prefix. config leads to the server.
func NewStage(docker *client.Client, config *rest.Config, prefix string) *Stage {
	return &Stage{docker: docker, config: config, prefix: prefix + "-stream", roles: map[string]string{}, seen: map[string]int{}}
}

// newName returns the name of one more container.
func (s *Stage) newName() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.number++
	return fmt.Sprintf("%s-%d", s.prefix, s.number)
}

func (s *Stage) current(role string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.roles[role]
}

// running returns the name of a container of the role that runs.
func (s *Stage) running(ctx context.Context, role string, config *container.Config, host *container.HostConfig) (string, error) {
	s.making.Lock()
	defer s.making.Unlock()
	if name := s.current(role); name != "" {
		if found, err := s.docker.ContainerInspect(ctx, name); err == nil && found.State.Running {
			return name, nil
		}
	}
	name := s.newName()
	if err := s.run(ctx, name, config, host); err != nil {
		return "", err
	}
	s.mu.Lock()
	s.roles[role] = name
	s.mu.Unlock()
	return name, nil
}

// run goes on when ctx ends: a start that is cancelled changes the container, and Docker raises no event for it.
func (s *Stage) run(ctx context.Context, name string, config *container.Config, host *container.HostConfig) error {
	ctx = context.WithoutCancel(ctx)
	created, err := s.docker.ContainerCreate(ctx, config, host, nil, nil, name)
	if err != nil {
		return err
	}
	return s.docker.ContainerStart(ctx, created.ID, container.StartOptions{})
}

// worker returns a container for commands, copies and connections.
func (s *Stage) worker(ctx context.Context) (string, error) {
	config := engine.Config("nc", "-ll", "-p", fmt.Sprint(echoPort), "-e", "cat")
	config.NetworkDisabled = false
	if err := s.makeNetwork(ctx); err != nil {
		return "", err
	}
	return s.running(ctx, "worker", config, &container.HostConfig{NetworkMode: container.NetworkMode(s.prefix)})
}

// makeNetwork makes the network of the workers. Docker makes two of one name if it is asked for both at the same time.
func (s *Stage) makeNetwork(ctx context.Context) error {
	s.making.Lock()
	defer s.making.Unlock()
	if s.networked {
		return nil
	}
	_, err := s.docker.NetworkCreate(ctx, s.prefix, network.CreateOptions{})
	s.networked = err == nil || cerrdefs.IsConflict(err)
	if s.networked {
		return nil
	}
	return err
}

// logged returns a container with a log.
func (s *Stage) logged(ctx context.Context) (string, error) {
	command, _, _ := counting(logLines, 0)
	return s.running(ctx, "logged", engine.Config(command...), nil)
}

// archiveOf returns the archive that every copy must be equal to.
func (s *Stage) archiveOf(ctx context.Context, name string) (string, error) {
	s.making.Lock()
	defer s.making.Unlock()
	if s.archive == "" {
		content, _, err := s.docker.CopyFromContainer(ctx, name, archived)
		if err != nil {
			return "", err
		}
		defer content.Close()
		whole, err := io.ReadAll(content)
		if err != nil {
			return "", err
		}
		s.archive = string(whole)
	}
	return s.archive, nil
}

// seenOf returns how many bytes of a log a client has seen.
func (s *Stage) seenOf(name string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seen[name]
}

func (s *Stage) see(name string, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen[name] = max(s.seen[name], n)
}

// Fill writes into each log what Docker says that the container wrote. Call it before the containers are removed.
func (s *Stage) Fill(ctx context.Context, streams []*history.Stream) error {
	logs := map[string]string{}
	for _, stream := range streams {
		if !IsLog(stream) {
			continue
		}
		written, known := logs[stream.Container]
		if !known {
			log, err := s.docker.ContainerLogs(ctx, stream.Container, container.LogsOptions{ShowStdout: true, ShowStderr: true})
			if err != nil {
				return fmt.Errorf("reading the log of %s from Docker: %w", stream.Container, err)
			}
			var text bytes.Buffer
			_, err = stdcopy.StdCopy(&text, &text, log)
			log.Close()
			if err != nil {
				return fmt.Errorf("reading the log of %s from Docker: %w", stream.Container, err)
			}
			written = text.String()
			logs[stream.Container] = written
		}
		stream.Outputs[0].Written = written
	}
	return nil
}

// IsLog reports whether only Docker's log says what should be in a stream.
func IsLog(stream *history.Stream) bool { return strings.HasPrefix(stream.Kind, "log") }
