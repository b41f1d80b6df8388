// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package streams

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"k8s.io/client-go/rest"

	"github.com/rancher-sandbox/engine-apiserver/test/engine"
)

// patience bounds each wait.
const patience = 2 * time.Minute

// eachProtocol runs a test with a client of HTTP/1.1 and one of HTTP/2.
func eachProtocol(t *testing.T, config *rest.Config, run func(t *testing.T, c *client)) {
	for _, protocol := range []string{"http/1.1", "h2"} {
		t.Run(protocol, func(t *testing.T) {
			one := rest.CopyConfig(config)
			one.NextProtos = []string{protocol}
			run(t, clientOf(t, one))
		})
	}
}

// isBrokenOff reports whether an error says that an answer ended too early.
func isBrokenOff(err error) bool {
	return errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, new(http2.StreamError)) || err != nil && strings.Contains(err.Error(), "stream error")
}

// eventually fails unless try succeeds before patience ends.
func eventually(t *testing.T, what string, try func() bool) {
	t.Helper()
	timeout := time.After(patience)
	for tick := time.Tick(20 * time.Millisecond); !try(); {
		select {
		case <-tick:
		case <-timeout:
			t.Fatalf("%s: not within %s", what, patience)
		}
	}
}

func TestAnEngineLostHalfWayAbortsTheAnswer(t *testing.T) {
	proxy, config := serveBehindProxy(t)
	name := engine.UniqueName("lost")
	eng.Run(t, name, onSignal("echo ready", "echo hup"))
	eachProtocol(t, config, func(t *testing.T, c *client) {
		eventually(t, "the container is shown", func() bool {
			code, _ := c.ask(t, http.MethodGet, containers+name, "")
			return code == http.StatusOK
		})
		lines := c.lines(t, name+"?follow=true")
		expectLine(t, lines, "ready")
		proxy.Drop()
		if rest, err := io.ReadAll(lines); !isBrokenOff(err) || len(rest) > 0 {
			t.Errorf("the answer ends with %q, %v", rest, err)
		}
	})
}

func TestAFrozenEngineAbortsTheAnswer(t *testing.T) {
	name := engine.UniqueName("frozen")
	c := serve(t)
	eng.Run(t, name, onSignal("echo ready", "echo hup"))
	lines := c.lines(t, name+"?follow=true")
	expectLine(t, lines, "ready")
	if err := eng.Pause(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := eng.Resume(); err != nil {
			t.Error(err)
		}
	}()
	if rest, err := io.ReadAll(lines); !isBrokenOff(err) || len(rest) > 0 {
		t.Errorf("the answer ends with %q, %v", rest, err)
	}
}

func TestALogThatBreaksOffInTheMiddleOfALineIsNotComplete(t *testing.T) {
	proxy, config := serveBehindProxy(t)
	name := engine.UniqueName("frame")
	runToEnd(t, name, script("echo one"))
	c := clientOf(t, config)
	eventually(t, "the log is read", func() bool {
		code, body := c.ask(t, http.MethodGet, containers+name+"/log", "")
		return code == http.StatusOK && body == "one\n"
	})
	for what, stream := range map[string]string{
		"a frame that is cut":          "\x01\x00\x00\x00\x00\x00\x00\x08one\n",
		"an error of Docker's":         "\x01\x00\x00\x00\x00\x00\x00\x04one\n\x03\x00\x00\x00\x00\x00\x00\x05oops\n",
		"a stream of an unknown form ": "\x01\x00\x00\x00\x00\x00\x00\x04one\nplain text",
	} {
		proxy.Fail(func(w http.ResponseWriter, r *http.Request) bool {
			isLog := strings.HasSuffix(r.URL.Path, "/logs")
			if isLog {
				_, _ = io.WriteString(w, stream)
			}
			return isLog
		})
		response := c.do(t, http.MethodGet, containers+name+"/log", "")
		if body, err := io.ReadAll(response.Body); response.StatusCode != http.StatusOK || string(body) != "one\n" || !isBrokenOff(err) {
			t.Errorf("%s: %d %q, %v", what, response.StatusCode, body, err)
		}
	}
}

func TestAnEngineThatIsAwayIs503BeforeTheFirstByte(t *testing.T) {
	proxy, config := serveBehindProxy(t)
	name := engine.UniqueName("away")
	runToEnd(t, name, script("echo one"))
	c := clientOf(t, config)
	eventually(t, "the log is read", func() bool {
		code, _ := c.ask(t, http.MethodGet, containers+name+"/log", "")
		return code == http.StatusOK
	})
	proxy.Fail(func(http.ResponseWriter, *http.Request) bool { panic(http.ErrAbortHandler) })
	proxy.Drop()
	eventually(t, "the loss is explained", func() bool {
		code, body := c.ask(t, http.MethodGet, containers+name+"/log?follow=true", "")
		return code == http.StatusServiceUnavailable && strings.Contains(body, proxy.Host())
	})
	proxy.Fail(func(w http.ResponseWriter, r *http.Request) bool {
		if strings.HasSuffix(r.URL.Path, "/logs") {
			panic(http.ErrAbortHandler)
		}
		return false
	})
	eventually(t, "the engine is back", func() bool {
		code, _ := c.ask(t, http.MethodGet, containers+name, "")
		return code == http.StatusOK
	})
	c.refused(t, http.MethodGet, containers+name+"/log", "", 503, proxy.Host())
}

func TestAClientThatLeavesEndsTheDockerRequest(t *testing.T) {
	proxy, config := serveBehindProxy(t)
	name := engine.UniqueName("leaves")
	eng.Run(t, name, onSignal("echo ready", "echo hup"))
	ended := make(chan struct{}, 1)
	proxy.Time(func(path string, _ time.Duration) {
		if strings.HasSuffix(path, "/logs") {
			ended <- struct{}{}
		}
	})
	eachProtocol(t, config, func(t *testing.T, c *client) {
		eventually(t, "the container is shown", func() bool {
			code, _ := c.ask(t, http.MethodGet, containers+name, "")
			return code == http.StatusOK
		})
		response := c.do(t, http.MethodGet, containers+name+"/log?follow=true", "")
		expectLine(t, bufio.NewReader(response.Body), "ready")
		select {
		case <-ended:
			t.Fatal("the request to Docker ended before the client left")
		default:
		}
		response.Body.Close()
		select {
		case <-ended:
		case <-time.After(patience):
			t.Error("the request to Docker has not ended")
		}
	})
}

func TestALimitEndsTheDockerRequest(t *testing.T) {
	proxy, config := serveBehindProxy(t)
	name := engine.UniqueName("limit")
	eng.Run(t, name, onSignal("echo ready", "echo hup"))
	c := clientOf(t, config)
	ended := make(chan struct{}, 1)
	proxy.Time(func(path string, _ time.Duration) {
		if strings.HasSuffix(path, "/logs") {
			ended <- struct{}{}
		}
	})
	eventually(t, "the container is shown", func() bool {
		code, _ := c.ask(t, http.MethodGet, containers+name, "")
		return code == http.StatusOK
	})
	if got := c.log(t, name+"?follow=true&limitBytes=3"); got != "rea" {
		t.Errorf("%q", got)
	}
	select {
	case <-ended:
	case <-time.After(patience):
		t.Error("the request to Docker has not ended")
	}
}

// The container writes a line each second, for longer than a request may take, and for longer than a client may take to
// send the body of its request.
func TestTheReadDeadlineForBodiesAndTheTimeLimitOfRequestsAreOffForLogs(t *testing.T) {
	name := engine.UniqueName("deadline")
	config := serve(t, "--request-timeout=3s")
	eng.Run(t, name, script("while :; do date +%s; sleep 1; done"))
	body, writer := io.Pipe()
	defer writer.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for what, content := range map[string]io.Reader{"no body": http.NoBody, "a body that never ends": body} {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, config.host+containers+name+"/log?follow=true", content)
		if err != nil {
			t.Fatal(err)
		}
		response, err := config.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		lines := 0
		buffer := make([]byte, 11)
		for ; lines < 9; lines++ {
			if _, err := io.ReadFull(response.Body, buffer); err != nil {
				t.Errorf("%s: after %d lines: %v", what, lines, err)
				break
			}
		}
	}
}
