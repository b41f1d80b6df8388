// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

// Package node uses a server with the Kubernetes client for JavaScript, which runs in Node.js.
package node

import (
	"bytes"
	"context"
	"embed"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/rancher-sandbox/engine-apiserver/test/testserver"
)

//go:embed package.json package-lock.json client.js
var program embed.FS

// Client is the program client.js for the user of a kubeconfig.
type Client struct {
	dir, kubeconfig string
}

// Install installs the program and the client that it uses, from the registry of packages that npm uses.
func Install(t testing.TB) *Client {
	t.Helper()
	for _, needed := range []string{"node", "npm"} {
		if _, err := exec.LookPath(needed); err != nil {
			t.Fatalf("tests with the client for JavaScript need %s: install Node.js 20 or newer: %v", needed, err)
		}
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, program); err != nil {
		t.Fatal(err)
	}
	install := exec.CommandContext(t.Context(), "npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--prefer-offline")
	install.Dir = dir
	if output, err := install.CombinedOutput(); err != nil {
		t.Fatalf("npm ci: %v\n%s", err, output)
	}
	return &Client{dir: dir}
}

// As returns the program for the user of another kubeconfig.
func (c *Client) As(kubeconfig string) *Client { return &Client{c.dir, kubeconfig} }

// Command returns a command of the program. It ends with ctx.
func (c *Client) Command(ctx context.Context, args ...string) *exec.Cmd {
	args = append([]string{filepath.Join(c.dir, "client.js"), c.kubeconfig, testserver.Namespace}, args...)
	return exec.CommandContext(ctx, "node", args...)
}

// Result is what a command of the program did.
type Result struct {
	Stdout, Stderr string
	Code           int
}

// String shows a result in the message of a test.
func (r Result) String() string { return fmt.Sprintf("status %d, %q, %q", r.Code, r.Stdout, r.Stderr) }

// Run runs a command of the program to its end. stdin may be nil.
func (c *Client) Run(t testing.TB, stdin io.Reader, args ...string) Result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	command := c.Command(t.Context(), args...)
	command.Stdin, command.Stdout, command.Stderr = stdin, &stdout, &stderr
	if err := command.Run(); err != nil && command.ProcessState == nil {
		t.Fatal(err)
	}
	return Result{stdout.String(), stderr.String(), command.ProcessState.ExitCode()}
}
