// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package bench_test

import (
	"bytes"
	"fmt"
	"net/http"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/image"

	"github.com/rancher-sandbox/engine-apiserver/test/engine"
)

// listsOfImages measures lists of images while no container exists, and while containers have half of the images. It measures
// the first before and after the second.
func (s *setting) listsOfImages() {
	ctx, client := s.Context(), s.engine.Client()
	ids, used := make([]string, s.listedImages), s.listedImages/2
	eachOf(s, len(ids), func(i int) (err error) {
		ids[i], err = s.engine.MakeImage(ctx, fmt.Sprintf("listed/image-%04d:v1", i))
		return err
	})
	kinds := []string{fmt.Sprintf("list of %d images", len(ids)), fmt.Sprintf("list from memory of %d images", len(ids))}
	const none = ", none in use"
	some := fmt.Sprintf(", %d in use", used)

	s.listImages(kinds, none, 0, (s.lists+1)/2)
	containers := make([]string, used)
	eachOf(s, used, func(i int) error {
		config := &container.Config{Image: ids[i], Cmd: engine.Stubborn}
		created, err := client.ContainerCreate(ctx, config, &container.HostConfig{NetworkMode: "none"}, nil, nil, "")
		containers[i] = created.ID
		return err
	})
	s.listImages(kinds, some, used, s.lists)
	eachOf(s, used, func(i int) error { return client.ContainerRemove(ctx, containers[i], container.RemoveOptions{}) })
	s.listImages(kinds, none, 0, (s.lists+1)/2)
	eachOf(s, len(ids), func(i int) error {
		_, err := client.ImageRemove(ctx, ids[i], image.RemoveOptions{})
		return err
	})
	for _, kind := range kinds {
		without, with := s.of(kind+none), s.of(kind+some)
		for of := range without.samples {
			s.add("slowdown of a "+kind+" by use", plain, of, with.median(of)/without.median(of))
		}
	}
}

// listImages measures live lists, and lists from memory. used is how many of the images containers have.
func (s *setting) listImages(kinds []string, what string, used, rounds int) {
	ctx, path := s.Context(), s.server.path("images")
	await(s, func() error { // a list does not wait for an image whose inspection takes longer than a second
		content, err := s.server.do(ctx, http.MethodGet, path, nil)
		if shown := bytes.Count(content, []byte(`"inUse":true`)); err == nil && shown != used {
			err = fmt.Errorf("%d images are in use, but %d are shown so", used, shown)
		}
		return err
	})
	begun := time.Now()
	for i := 0; i < s.fewestLists/2 || i < rounds && time.Since(begun) < s.listing; i++ {
		s.turns(
			s.timed(kinds[0]+what, docker, func() error { return s.docker.get(ctx, "/images/json") }),
			s.timed(kinds[0]+what, standalone, func() error { return s.server.get(ctx, path) }),
			s.timed(kinds[1]+what, standalone, func() error { return s.server.get(ctx, path+"?resourceVersion=0") }),
		)
	}
}
