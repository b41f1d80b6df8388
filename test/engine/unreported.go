// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/docker/docker/api/types/build"
	"github.com/docker/docker/client"
	"github.com/docker/docker/pkg/jsonmessage"
)

// UnreportedTags has the tags of the UnreportedImages that get one, without the unique name with which each tag begins.
var UnreportedTags = map[string]string{"build in two stages": ":staged", "archive that loads in part": ":loaded"}

// UnreportedImages has functions that make images for which engines with the classic image store raise no event. unique is part of
// the content of each image, and of its tag if it has one.
var UnreportedImages = map[string]func(ctx context.Context, docker *client.Client, unique string) error{
	"untagged build": func(ctx context.Context, docker *client.Client, unique string) error {
		return buildImage(ctx, docker, build.ImageBuildOptions{}, unique, "FROM scratch\nCOPY content /content\n")
	},
	"untagged build by BuildKit": func(ctx context.Context, docker *client.Client, unique string) error {
		return buildImage(ctx, docker, build.ImageBuildOptions{Version: build.BuilderBuildKit}, unique, "FROM scratch\nCOPY content /content\n")
	},
	"build in two stages": func(ctx context.Context, docker *client.Client, unique string) error {
		options := build.ImageBuildOptions{Tags: []string{unique + UnreportedTags["build in two stages"]}}
		return buildImage(ctx, docker, options, unique, "FROM scratch\nCOPY content /first\nFROM scratch\nCOPY content /second\n")
	},
	"failing build": func(ctx context.Context, docker *client.Client, unique string) error {
		err := buildImage(ctx, docker, build.ImageBuildOptions{}, unique, "FROM scratch\nCOPY content /content\nCOPY missing /missing\n")
		if err == nil {
			return errors.New("a build that copies a missing file has not failed")
		}
		return nil
	},
	"archive that loads in part": func(ctx context.Context, docker *client.Client, unique string) error {
		err := loadImage(ctx, docker, unique, unique+UnreportedTags["archive that loads in part"], "no tag")
		if err == nil {
			return errors.New("an archive with a bad tag has been loaded")
		}
		return nil
	},
}

// buildImage builds from a Dockerfile and a file called content.
func buildImage(ctx context.Context, docker *client.Client, options build.ImageBuildOptions, content, dockerfile string) error {
	archive, err := archiveOf(map[string]string{"Dockerfile": dockerfile, "content": content})
	if err != nil {
		return err
	}
	options.Remove = true
	response, err := docker.ImageBuild(ctx, archive, options)
	if err != nil {
		return fmt.Errorf("building an image: %w", err)
	}
	_, err = lastMessage(response.Body)
	return err
}

// loadImage loads an archive of one image, with these tags and without layers.
func loadImage(ctx context.Context, docker *client.Client, content string, tags ...string) error {
	config := fmt.Sprintf(`{"architecture":"amd64","os":"linux","author":%q,"config":{},"rootfs":{"type":"layers","diff_ids":[]}}`, content)
	name := fmt.Sprintf("%x.json", sha256.Sum256([]byte(config)))
	manifest, err := json.Marshal([]map[string]any{{"Config": name, "RepoTags": tags, "Layers": []string{}}})
	if err != nil {
		return err
	}
	archive, err := archiveOf(map[string]string{name: config, "manifest.json": string(manifest)})
	if err != nil {
		return err
	}
	response, err := docker.ImageLoad(ctx, archive)
	if err != nil {
		return fmt.Errorf("loading an image: %w", err)
	}
	_, err = lastMessage(response.Body)
	return err
}

func archiveOf(files map[string]string) (io.Reader, error) {
	var content bytes.Buffer
	archive := tar.NewWriter(&content)
	for name, text := range files {
		if err := addFile(archive, name, 0o644, []byte(text)); err != nil {
			return nil, err
		}
	}
	return &content, archive.Close()
}

// lastMessage reads the messages of an answer to their end and returns the last status, or the error that one of them tells of.
func lastMessage(answer io.ReadCloser) (status string, err error) {
	defer answer.Close()
	for messages := json.NewDecoder(answer); ; {
		var message jsonmessage.JSONMessage
		if err := messages.Decode(&message); errors.Is(err, io.EOF) {
			return status, nil
		} else if err != nil {
			return "", err
		}
		if message.Error != nil {
			return "", message.Error
		}
		status = message.Status
	}
}
