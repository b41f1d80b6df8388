// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package streams

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/pkg/stdcopy"

	"github.com/rancher-sandbox/engine-apiserver/test/engine"
)

// bothOutputs writes lines to both outputs.
const bothOutputs = "for i in 1 2 3; do echo out $i; echo err $i >&2; done"

// runBoth runs a container with bothOutputs to its end. It returns the ID and the log as Docker has it: the order of the
// two outputs is that in which Docker received them.
func runBoth(t *testing.T, name string) (id, log string) {
	t.Helper()
	id = runToEnd(t, name, script(bothOutputs))
	stream, err := eng.Client().ContainerLogs(t.Context(), id, container.LogsOptions{ShowStdout: true, ShowStderr: true})
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	var text strings.Builder
	if _, err := stdcopy.StdCopy(&text, &text, stream); err != nil {
		t.Fatal(err)
	}
	if log = text.String(); strings.Count(log, "\n") != 6 {
		t.Fatalf("the log in Docker is %q", log)
	}
	return id, log
}

func TestALogIsReadByNameAndByID(t *testing.T) {
	c, name := serve(t), engine.UniqueName("log")
	id, bothLines := runBoth(t, name)
	for _, one := range []string{name, id, id[:12], name + "?container=" + name + "&pretty=true"} {
		if got := c.log(t, one); got != bothLines {
			t.Errorf("the log of %s is %q", one, got)
		}
	}
	response := c.do(t, http.MethodGet, containers+name+"/log", "")
	if kind := response.Header.Get("Content-Type"); kind != "text/plain" {
		t.Errorf("the log is %s", kind)
	}
}

func TestALogHasOneOutputIfAsked(t *testing.T) {
	c, name, terminal := serve(t), engine.UniqueName("outputs"), engine.UniqueName("terminal")
	_, bothLines := runBoth(t, name)
	lines := strings.SplitAfter(bothLines, "\n")
	runToEnd(t, terminal, script("echo out; echo err >&2"), withTTY)
	for query, want := range map[string]string{
		name + "?stream=All":        bothLines,
		name + "?stream=Stdout":     "out 1\nout 2\nout 3\n",
		name + "?stream=Stderr":     "err 1\nerr 2\nerr 3\n",
		name + "?tailLines=3":       strings.Join(lines[3:], ""),
		name + "?tailLines=0":       "",
		name + "?tailLines=99999":   bothLines,
		name + "?sinceSeconds=9999": bothLines,
		terminal:                    "out\r\nerr\r\n",
		terminal + "?stream=Stdout": "out\r\nerr\r\n",
		terminal + "?stream=Stderr": "",
		terminal + "?limitBytes=7":  "out\r\ner",
	} {
		if got := c.log(t, query); got != want {
			t.Errorf("%s: %q, want %q", query, got, want)
		}
	}
}

func TestLimitBytesCutsExactlyOverBothStreams(t *testing.T) {
	c, name := serve(t), engine.UniqueName("limit")
	_, bothLines := runBoth(t, name)
	for limit := 1; limit <= len(bothLines)+1; limit++ {
		want := bothLines[:min(limit, len(bothLines))]
		if got := c.log(t, fmt.Sprintf("%s?limitBytes=%d&follow=true", name, limit)); got != want {
			t.Errorf("%d bytes: %q, want %q", limit, got, want)
		}
	}
}

func TestSinceTimeKeepsNanoseconds(t *testing.T) {
	c, name := serve(t), engine.UniqueName("since")
	runToEnd(t, name, script("seq 1 6")) // to one output, because the times of two are not in order
	lines := []string{"1\n", "2\n", "3\n", "4\n", "5\n", "6\n"}
	var stamps []time.Time
	for i, line := range strings.Split(strings.TrimSpace(c.log(t, name+"?timestamps=true")), "\n") {
		stamp, text, _ := strings.Cut(line, " ")
		parsed, err := time.Parse(time.RFC3339Nano, stamp)
		if err != nil || text+"\n" != lines[i] {
			t.Fatalf("line %d is %q: %v", i, line, err)
		}
		stamps = append(stamps, parsed)
	}
	for i, stamp := range stamps {
		for query, want := range map[string]string{
			"sinceTime=" + stamp.Format(time.RFC3339Nano):                   strings.Join(lines[i:], ""),
			"sinceTime=" + stamp.Add(1).Format(time.RFC3339Nano):            strings.Join(lines[i+1:], ""),
			"untilTime=" + stamp.Format(time.RFC3339Nano):                   strings.Join(lines[:i+1], ""),
			"untilTime=" + stamp.Add(-1).Format(time.RFC3339Nano):           strings.Join(lines[:i], ""),
			"follow=true&untilTime=" + stamp.Format(time.RFC3339Nano):       strings.Join(lines[:i+1], ""),
			"tailLines=1&sinceTime=" + stamp.UTC().Format(time.RFC3339Nano): lines[5],
		} {
			if got := c.log(t, name+"?"+query); got != want {
				t.Errorf("%s: %q, want %q", query, got, want)
			}
		}
	}
}

func TestFollowSendsEachLineAtOnceAndEndsWithTheContainer(t *testing.T) {
	c, name := serve(t), engine.UniqueName("follow")
	id := eng.Run(t, name, onSignal("echo ready", "echo hup"))
	lines := c.lines(t, name+"?follow=true")
	expectLine(t, lines, "ready")
	for range 5 {
		signal(t, id)
		expectLine(t, lines, "hup")
	}
	if err := eng.Client().ContainerKill(t.Context(), id, "KILL"); err != nil {
		t.Fatal(err)
	}
	if rest, err := io.ReadAll(lines); err != nil || len(rest) > 0 {
		t.Errorf("after the container: %q, %v", rest, err)
	}
}

func TestFollowOfAStoppedContainerEnds(t *testing.T) {
	c, name, created := serve(t), engine.UniqueName("stopped"), engine.UniqueName("created")
	runToEnd(t, name, script("echo done"))
	eng.Create(t, created)
	if got := c.log(t, name+"?follow=true"); got != "done\n" {
		t.Errorf("%q", got)
	}
	if got := c.log(t, created+"?follow=true"); got != "" {
		t.Errorf("%q", got)
	}
}

func TestTailLinesZeroWithFollowSendsOnlyWhatIsNew(t *testing.T) {
	c, name := serve(t), engine.UniqueName("tail")
	id := eng.Run(t, name, onSignal("echo old", "echo new"))
	expectLine(t, c.lines(t, name+"?follow=true"), "old")
	lines := c.lines(t, name+"?follow=true&tailLines=0")
	received := make(chan string, 1)
	go func() {
		line, _ := lines.ReadString('\n')
		received <- line
	}()
	// Docker looks for the end of the log after it has answered. A line that comes in between is an old one.
	eventually(t, "a new line comes", func() bool {
		signal(t, id)
		select {
		case line := <-received:
			if line != "new\n" {
				t.Errorf("the line is %q", line)
			}
			return true
		case <-time.After(time.Second):
			return false
		}
	})
}

// The engine repeats lines when it rotates a file that is followed. It must not leave any out.
func TestLogFollowOverRotationLosesNothing(t *testing.T) {
	c, name := serve(t), engine.UniqueName("rotation")
	id := eng.Run(t, name, onSignal("n=0; echo 0", "n=$((n+1)); printf \"%0500d\\n\" $n"), func(_ *container.Config, host *container.HostConfig) {
		host.LogConfig = container.LogConfig{Type: "json-file", Config: map[string]string{"max-size": "4k", "max-file": "3"}}
	})
	lines := c.lines(t, name+"?follow=true")
	for want := range 30 {
		for got := -1; got < want; {
			line, err := lines.ReadString('\n')
			if err != nil {
				t.Fatal(err)
			}
			if got, err = strconv.Atoi(strings.TrimSpace(line)); err != nil || got > want {
				t.Fatalf("the line %q, want %d: %v", line, want, err)
			}
		}
		signal(t, id)
	}
}

func TestALongLogArrivesWhole(t *testing.T) {
	c, name := serve(t), engine.UniqueName("long")
	runToEnd(t, name, script("seq 1 200000"))
	var want strings.Builder
	for i := 1; i <= 200000; i++ {
		fmt.Fprintln(&want, i)
	}
	if got := c.log(t, name); got != want.String() {
		t.Errorf("%d bytes, want %d", len(got), want.Len())
	}
}

func TestSenselessLogRequestsAreRefusedBeforeTheFirstByte(t *testing.T) {
	c, name, none := serve(t), engine.UniqueName("refused"), engine.UniqueName("none")
	runToEnd(t, name, script("echo one"))
	runToEnd(t, none, script("echo one"), func(_ *container.Config, host *container.HostConfig) { host.LogConfig.Type = "none" })
	for _, test := range []struct {
		path  string
		code  int
		words string
	}{
		{name + "/log?previous=true", 400, "Docker keeps the output of all runs"},
		{name + "/log?tail=1", 400, `there is no parameter \"tail\"`},
		{name + "/log?follow=maybe", 400, "neither true nor false"},
		{name + "/log?tailLines=-1", 422, "tailLines"},
		{name + "/log?limitBytes=0", 422, "limitBytes"},
		{name + "/log?sinceTime=yesterday", 422, "RFC 3339"},
		{name + "/log?sinceSeconds=1&sinceTime=2026-01-02T03:04:05Z", 422, "cannot be combined with sinceTime"},
		{name + "/log?stream=Stdin", 422, `\"All\", \"Stdout\", \"Stderr\"`},
		{engine.UniqueName("missing") + "/log", 404, "not found"},
		{none + "/log", 409, "does not support reading"},
	} {
		c.refused(t, http.MethodGet, containers+test.path, "", test.code, test.words)
	}
	c.refused(t, http.MethodPost, containers+name+"/log", "", 405, "")
	c.refused(t, http.MethodGet, strings.Replace(containers, "rancher-desktop/", "elsewhere/", 1)+name+"/log", "", 404, "not found")
}
