// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package connection

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/client"

	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/dockertest"
)

func TestAnAccessAllowsItsRequestsAndNoOthers(t *testing.T) {
	calls := map[string]func(*client.Client) error{
		"logs": func(c *client.Client) error {
			_, err := c.ContainerLogs(t.Context(), dockertest.IDA, container.LogsOptions{})
			return err
		},
		"kill":   func(c *client.Client) error { return c.ContainerKill(t.Context(), dockertest.IDA, "") },
		"rename": func(c *client.Client) error { return c.ContainerRename(t.Context(), dockertest.IDA, "other") },
		"create": func(c *client.Client) error {
			_, err := c.ContainerCreate(t.Context(), &container.Config{}, nil, nil, nil, "web")
			if errors.Is(err, io.EOF) { // the engine answered, but with no container
				return nil
			}
			return err
		},
		"remove": func(c *client.Client) error {
			return c.ContainerRemove(t.Context(), dockertest.IDA, container.RemoveOptions{Force: true})
		},
		"remove with volumes": func(c *client.Client) error {
			return c.ContainerRemove(t.Context(), dockertest.IDA, container.RemoveOptions{Force: true, RemoveVolumes: true})
		},
		"resize": func(c *client.Client) error {
			return c.ContainerExecResize(t.Context(), dockertest.IDA, container.ResizeOptions{})
		},
	}
	for access, allowed := range map[Access][]string{View: {"logs"}, Operate: {"logs", "kill", "remove"}, Full: {"logs", "kill", "remove", "rename", "resize", "create", "remove with volumes"}, "none": nil} {
		host, _ := listen(t)
		t.Setenv("DOCKER_CONFIG", t.TempDir())
		e, err := Resolve(host, access)
		if err != nil {
			t.Fatal(err)
		}
		c, _, err := e.client()
		if err != nil {
			t.Fatal(err)
		}
		for name, call := range calls {
			err := call(c)
			if isAllowed := slices.Contains(allowed, name); isAllowed != (err == nil) || !isAllowed && !strings.Contains(err.Error(), "the server needs --engine-access=") {
				t.Errorf("%s with access %s: %v", name, access, err)
			}
		}
		c.Close()
	}
}

func TestAnAccessIncludesThoseBelowIt(t *testing.T) {
	for i, a := range Accesses {
		for j, b := range Accesses {
			if a.Includes(b) != (i >= j) {
				t.Errorf("%s includes %s: %v", a, b, a.Includes(b))
			}
		}
		if a.Includes("") || Access("").Includes(a) || a.Includes("none") || Access("none").Includes(a) {
			t.Errorf("%s and a value that is no access include each other", a)
		}
	}
}
