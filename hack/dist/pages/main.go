// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

// Command pages writes the manual pages of both programs, and the scripts by which shells complete the command line of the
// server: pages VERSION SECONDS DIRECTORY. The second argument is the time of the release in Unix time.
package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/rancher-sandbox/engine-apiserver/pkg/cmd/plugin"
	"github.com/rancher-sandbox/engine-apiserver/pkg/cmd/server"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "pages: error:", err)
		os.Exit(1)
	}
}

func run(arguments []string) error {
	if len(arguments) != 3 {
		return errors.New("usage: pages VERSION SECONDS DIRECTORY")
	}
	seconds, err := strconv.ParseInt(arguments[1], 10, 64)
	if err != nil {
		return err
	}
	version, date, directory := arguments[0], time.Unix(seconds, 0).UTC(), arguments[2]
	for name, command := range map[string]*cobra.Command{
		"engine-apiserver": server.NewCommand(),
		"kubectl-engine":   plugin.NewCommand(genericiooptions.NewTestIOStreamsDiscard()),
	} {
		if err := writePages(command, filepath.Join(directory, name, "man", "man1"), version, date); err != nil {
			return err
		}
	}
	return writeCompletions(server.NewCommand(), filepath.Join(directory, "engine-apiserver", "completions"))
}

func writePages(command *cobra.Command, directory, version string, date time.Time) error {
	if err := os.MkdirAll(directory, 0o755); err != nil {
		return err
	}
	return doc.GenManTree(command, &doc.GenManHeader{
		Section: "1", Date: &date, Source: "engine-apiserver " + version, Manual: "engine-apiserver",
	}, directory)
}

// writeCompletions writes each script under the name by which its shell looks for it.
func writeCompletions(command *cobra.Command, directory string) error {
	if err := os.MkdirAll(directory, 0o755); err != nil {
		return err
	}
	path := func(name string) string { return filepath.Join(directory, name) }
	return errors.Join(
		command.GenBashCompletionFileV2(path("engine-apiserver.bash"), true),
		command.GenZshCompletionFile(path("_engine-apiserver")),
		command.GenFishCompletionFile(path("engine-apiserver.fish"), true),
		command.GenPowerShellCompletionFileWithDesc(path("engine-apiserver.ps1")),
	)
}
