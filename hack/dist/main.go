// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

// Command dist builds what a release consists of: archives, packages and a container image, with checksums. Two runs from the
// same commit, with the same release of Go, write the same bytes.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/rancher-sandbox/engine-apiserver/hack/dist/distribution"
	"github.com/rancher-sandbox/engine-apiserver/hack/dist/program"
	"github.com/rancher-sandbox/engine-apiserver/hack/dist/release"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "dist: error:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	repository := flag.String("repository", filepath.Join("..", ".."), "the `directory` of the repository")
	version := flag.String("version", "", "the `version` of the release, such as v0.2.0")
	baseURL := flag.String("base-url", "", "the `URL` below which the archives can be downloaded, in a folder with the name of the version")
	output := flag.String("output", "dist", "the `directory` to write to, in a folder with the name of the version")
	platforms := flag.String("platforms", "", "a `list` of platforms, such as linux/amd64,linux/arm64; by default all")
	only := flag.String("only", "", "a `list` of what to make: archive, deb, rpm, image, krew; by default all")
	allowChanges := flag.Bool("allow-changes", false, "build from files that are in no commit, for tests")
	flag.Parse()
	if flag.NArg() > 0 {
		return fmt.Errorf("%q is no flag", flag.Arg(0))
	}
	root, err := filepath.Abs(*repository)
	if err != nil {
		return err
	}
	from, err := release.Of(ctx, root, *version, *allowChanges)
	if err != nil {
		return err
	}
	builder := distribution.Builder{Source: program.Source{Repository: root, Release: from}, BaseURL: *baseURL, Log: os.Stderr}
	if builder.Platforms, err = program.Parse(*platforms); err != nil {
		return err
	}
	if builder.Kinds, err = distribution.ParseKinds(*only); err != nil {
		return err
	}
	return builder.Build(ctx, filepath.Join(*output, *version))
}
