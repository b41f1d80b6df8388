// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

//go:build k9s

package k9s_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rancher-sandbox/engine-apiserver/test/kubectl"
)

// terminal is a terminal in which a program runs. It has its own tmux server.
type terminal struct {
	t      *testing.T
	socket string
}

// open runs a command in a terminal until the test ends.
func open(t *testing.T, environment []string, command ...string) *terminal {
	t.Helper()
	dir, err := os.MkdirTemp("", "k9s") // t.TempDir() may be too long for the path of a socket
	if err != nil {
		t.Fatal(err)
	}
	term := &terminal{t, filepath.Join(dir, "tmux")}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the last screen:\n%s", term.screen())
		}
		_ = exec.Command("tmux", "-S", term.socket, "kill-server").Run()
		os.RemoveAll(dir)
	})
	args := []string{"-S", term.socket, "-f", os.DevNull, "-u", "new-session", "-d", "-x", "180", "-y", "50", "--"}
	start := exec.CommandContext(t.Context(), "tmux", append(args, command...)...)
	start.Env = append(os.Environ(), environment...)
	if output, err := start.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, output)
	}
	return term
}

// press sends keys by their names in tmux.
func (s *terminal) press(keys ...string) { s.send(keys...) }

// enter types a text and then presses Enter.
func (s *terminal) enter(text string) {
	s.send("-l", text)
	s.send("Enter")
}

func (s *terminal) send(args ...string) {
	s.t.Helper()
	if output, err := exec.Command("tmux", append([]string{"-S", s.socket, "send-keys"}, args...)...).CombinedOutput(); err != nil {
		s.t.Fatalf("sending %q: %v: %s", args, err, output)
	}
}

func (s *terminal) screen() string {
	output, _ := exec.Command("tmux", "-S", s.socket, "capture-pane", "-p").CombinedOutput()
	return string(output)
}

// line returns the first line of the screen that has all of the words. It ignores case.
func (s *terminal) line(words ...string) (string, bool) {
next:
	for line := range strings.Lines(s.screen()) {
		for _, word := range words {
			if !strings.Contains(strings.ToLower(line), strings.ToLower(word)) {
				continue next
			}
		}
		return line, true
	}
	return "", false
}

// shows waits until a line of the screen has all of the words.
func (s *terminal) shows(words ...string) {
	s.t.Helper()
	kubectl.Eventually(s.t, "k9s shows "+strings.Join(words, " and "), func() bool {
		_, shown := s.line(words...)
		return shown
	})
}

// hides waits until no line of the screen has all of the words.
func (s *terminal) hides(words ...string) {
	s.t.Helper()
	kubectl.Eventually(s.t, "k9s does not show "+strings.Join(words, " and "), func() bool {
		_, shown := s.line(words...)
		return !shown
	})
}
