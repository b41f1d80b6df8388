// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package bench_test

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"net/url"

	"github.com/docker/docker/api/types/container"
	"k8s.io/client-go/tools/remotecommand"

	"github.com/rancher-sandbox/engine-apiserver/test/engine"
)

// archives measures the speed of copies to and from a container.
func (s *setting) archives() {
	clients, stop := s.dockerClients()
	defer stop()
	name := engine.UniqueName("archive")
	remove := s.run(name)
	defer remove()
	// The first copy makes the file for the copies from the container.
	if err := s.engine.Client().CopyToContainer(s.Context(), name, "/", s.archive(), container.CopyToContainerOptions{}); err != nil {
		s.Fatal(err)
	}
	figure := fmt.Sprintf("throughput of an archive of %d MB", s.archived)
	from := []func() error{s.carried(figure+" from a container", standalone, s.archived, func() (int64, error) {
		var copied counter
		err := s.execute(s.Context(), name, "archive", url.Values{"path": {"/file"}}, remotecommand.StreamOptions{Stdout: &copied})
		return int64(copied), err
	})}
	to := []func() error{s.carried(figure+" to a container", standalone, s.archived, func() (int64, error) {
		var copied counter
		err := s.execute(s.Context(), name, "archive", url.Values{"path": {"/"}}, remotecommand.StreamOptions{Stdin: io.TeeReader(s.archive(), &copied)})
		return int64(copied), err
	})}
	for of, d := range clients {
		from = append(from, s.carried(figure+" from a container", of, s.archived, func() (int64, error) {
			archive, _, err := d.CopyFromContainer(s.Context(), name, "/file")
			if err != nil {
				return 0, err
			}
			defer archive.Close()
			return io.Copy(io.Discard, archive)
		}))
		to = append(to, s.carried(figure+" to a container", of, s.archived, func() (int64, error) {
			var copied counter
			err := d.CopyToContainer(s.Context(), name, "/", io.TeeReader(s.archive(), &copied), container.CopyToContainerOptions{})
			return int64(copied), err
		}))
	}
	for range s.transfers {
		s.turns(from...)
	}
	for range s.transfers {
		s.turns(to...)
	}
}

// archive returns an archive with a file of zeros.
func (s *setting) archive() io.Reader {
	s.Helper()
	size := int64(s.archived) * megabyte
	var header bytes.Buffer
	if err := tar.NewWriter(&header).WriteHeader(&tar.Header{Name: "file", Mode: 0o644, Size: size}); err != nil {
		s.Fatal(err)
	}
	const end = 1024 // zeros at the end of an archive
	return io.MultiReader(&header, io.LimitReader(zeros{}, size+end))
}

// zeros has no end.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}
