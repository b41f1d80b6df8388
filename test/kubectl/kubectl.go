// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

// Package kubectl runs kubectl against servers in tests.
package kubectl

import (
	"bufio"
	"bytes"
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// timeout bounds each wait. It is long, because the machine may be loaded.
const timeout = 5 * time.Minute

// Kubectl is a kubectl program of some version with the kubeconfig that it uses.
type Kubectl struct{ Program, Kubeconfig string }

// All returns the kubectl programs that exist: "built" is of the server's Kubernetes version, "installed" is in $PATH.
func All(t testing.TB, kubeconfig string) map[string]Kubectl {
	t.Helper()
	found := map[string]Kubectl{}
	if built := os.Getenv("KUBECTL"); built != "" {
		found["built"] = Kubectl{built, kubeconfig}
	}
	if installed, err := exec.LookPath("kubectl"); err == nil {
		found["installed"] = Kubectl{installed, kubeconfig}
	}
	if len(found) == 0 {
		t.Fatal("there is no kubectl: set $KUBECTL to its path, as make test does")
	}
	return found
}

// Each runs a test with each version of kubectl.
func Each(t *testing.T, kubeconfig string, run func(t *testing.T, k Kubectl)) {
	for version, k := range All(t, kubeconfig) {
		t.Run(version, func(t *testing.T) { run(t, k) })
	}
}

// Any returns one program of All.
func Any(t testing.TB, kubeconfig string) Kubectl {
	t.Helper()
	for _, k := range All(t, kubeconfig) {
		return k
	}
	panic("All returned none")
}

// Command returns a command that runs kubectl with these arguments.
func (k Kubectl) Command(ctx context.Context, args ...string) *exec.Cmd {
	command := exec.CommandContext(ctx, k.Program, append([]string{"--kubeconfig", k.Kubeconfig}, args...)...)
	command.Env = append(os.Environ(), "HOME="+os.TempDir(), "KUBE_EDITOR=")
	return command
}

// Try runs kubectl and returns what it printed.
func (k Kubectl) Try(t testing.TB, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	return k.TryWith(t, "", args...)
}

// Capture runs a command and returns what it printed.
func Capture(command *exec.Cmd) (stdout, stderr string, err error) {
	var out, errOut bytes.Buffer
	command.Stdout, command.Stderr = &out, &errOut
	err = command.Run()
	return out.String(), errOut.String(), err
}

// OK runs kubectl, which must succeed, and returns what it printed.
func (k Kubectl) OK(t testing.TB, args ...string) string {
	t.Helper()
	stdout, stderr, err := k.Try(t, args...)
	if err != nil {
		t.Fatalf("kubectl %s: %v\n%s%s", strings.Join(args, " "), err, stdout, stderr)
	}
	return stdout
}

// Fails runs kubectl, which must fail and print each of the words to standard error.
func (k Kubectl) Fails(t testing.TB, words []string, args ...string) {
	t.Helper()
	stdout, stderr, err := k.Try(t, args...)
	if err == nil {
		t.Fatalf("kubectl %s succeeded: %s%s", strings.Join(args, " "), stdout, stderr)
	}
	Contains(t, stderr, words...)
}

// Apply runs kubectl apply on a manifest.
func (k Kubectl) Apply(t testing.TB, manifest string, args ...string) string {
	t.Helper()
	return k.With(t, manifest, append([]string{"apply", "-f", "-"}, args...)...)
}

// With runs kubectl, which must succeed, with a manifest as its standard input. It returns what kubectl printed.
func (k Kubectl) With(t testing.TB, manifest string, args ...string) string {
	t.Helper()
	stdout, stderr, err := k.TryWith(t, manifest, args...)
	if err != nil {
		t.Fatalf("kubectl %s: %v\n%s%s\n%s", strings.Join(args, " "), err, stdout, stderr, manifest)
	}
	return stdout
}

// TryWith runs kubectl with a manifest as its standard input, and returns what it printed.
func (k Kubectl) TryWith(t testing.TB, manifest string, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), timeout) // cleanups call TryWith, too
	defer cancel()
	command := k.Command(ctx, args...)
	command.Stdin = strings.NewReader(manifest)
	return Capture(command)
}

// Follow runs kubectl until the test ends, and returns a channel of the lines that it prints.
func (k Kubectl) Follow(t testing.TB, args ...string) <-chan string {
	t.Helper()
	command := k.Command(t.Context(), args...)
	stdout, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	lines := make(chan string, 1000)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		defer close(lines)
		for scanner := bufio.NewScanner(stdout); scanner.Scan(); {
			lines <- scanner.Text()
		}
	}()
	t.Cleanup(func() {
		_ = command.Process.Kill()
		<-ended
		_ = command.Wait()
	})
	return lines
}

// AwaitLine reads lines until one contains all of the words.
func AwaitLine(t testing.TB, lines <-chan string, words ...string) {
	t.Helper()
	var seen []string
	for deadline := time.After(timeout); ; {
		select {
		case line, more := <-lines:
			if !more {
				t.Fatalf("kubectl ended before it printed %q:\n%s", words, strings.Join(seen, "\n"))
			}
			seen = append(seen, line)
			if containsAll(line, words) {
				return
			}
		case <-deadline:
			t.Fatalf("kubectl did not print %q:\n%s", words, strings.Join(seen, "\n"))
		}
	}
}

func containsAll(text string, words []string) bool {
	for _, word := range words {
		if !strings.Contains(text, word) {
			return false
		}
	}
	return true
}

// Contains fails the test for each word that is missing in the text.
func Contains(t testing.TB, text string, words ...string) {
	t.Helper()
	for _, word := range words {
		if !strings.Contains(text, word) {
			t.Errorf("%q is missing in:\n%s", word, text)
		}
	}
}

// Eventually polls a condition until it holds. Use it only if no event can be waited for. A pause is twice as long as the
// condition took, but 50 to 500 ms, so that programs started by the condition leave the processor to the system under test.
func Eventually(t testing.TB, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(timeout); time.Now().Before(deadline); {
		began := time.Now()
		if condition() {
			return
		}
		time.Sleep(min(max(50*time.Millisecond, 2*time.Since(began)), 500*time.Millisecond))
	}
	t.Fatalf("timed out waiting until %s", what)
}
