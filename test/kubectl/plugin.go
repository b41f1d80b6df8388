// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package kubectl

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// InstallPlugin builds the plugin kubectl-engine, with the race detector, in a directory. It puts its completion beside it,
// and the directory in $PATH.
func InstallPlugin(dir string) error {
	module, err := exec.Command("go", "env", "GOMOD").Output()
	if err != nil {
		return fmt.Errorf("finding the module of the plugin: %w", err)
	}
	root := filepath.Dir(strings.TrimSpace(string(module)))
	build := exec.Command("go", "build", "-race", "-ldflags", "-s -w", "-o", dir, "./cmd/kubectl-engine")
	build.Dir = root
	if output, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("building the plugin: %w\n%s", err, output)
	}
	const completion = "kubectl_complete-engine"
	script, err := os.ReadFile(filepath.Join(root, "artifacts", "completion", completion))
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, completion), script, 0o755)
	}
	if err == nil {
		err = os.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	}
	if err != nil {
		return fmt.Errorf("installing the plugin: %w", err)
	}
	return nil
}
