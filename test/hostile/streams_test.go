// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package hostile

import (
	"bufio"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rancher-sandbox/engine-apiserver/test/engine"
)

const passthrough = "/passthrough/engine/logs/"

var (
	// webSocket and spdy are the headers of requests for an upgrade.
	webSocket = upgradeTo("websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==", "Sec-WebSocket-Protocol: v5.channel.k8s.io")
	spdy      = upgradeTo("SPDY/3.1", "X-Stream-Protocol-Version: v4.channel.k8s.io")
	tunnel    = upgradeTo("websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==", "Sec-WebSocket-Protocol: SPDY/3.1+portforward.k8s.io")
	spdyPorts = upgradeTo("SPDY/3.1", "X-Stream-Protocol-Version: portforward.k8s.io")

	// ofStreams matches the requests to the engine that last as long as a stream does.
	ofStreams = regexp.MustCompile(`/(logs|attach|archive|wait|exec/[^/]+/start)(\?|$)`)
	running   = regexp.MustCompile(`(?m)^engine_apiserver_streaming_sessions\{.*\} [1-9]`)
)

func upgradeTo(protocol string, header ...string) []string {
	return append([]string{"Connection: Upgrade", "Upgrade: " + protocol, "Origin: https://localhost"}, header...)
}

// stream is a stream of the fixture's container.
type stream struct {
	name, path string
	header     []string
}

// streams returns all streams over all protocols. The commands write more than all buffers hold, but not for ever, because they
// outlive their clients. Docker notices that a client without input has left when it has something to write, so all of them write
// now and then.
func (f *fixture) streams(t *testing.T) []stream {
	t.Helper()
	talker := engine.UniqueName("talker")
	eng.Run(t, talker, engine.Command("sh", "-c", "while :; do echo hello; sleep 0.2; done"))
	exec := f.containerPath() + "/exec?command=sh&command=-c&stdin=true&stdout=true&stderr=true&command=" +
		url.QueryEscape("head -c 50000000 /dev/zero; while :; do echo hello; sleep 0.2; done")
	return []stream{
		{"exec over WebSocket", exec, webSocket},
		{"exec over SPDY", exec, spdy},
		{"attach over WebSocket", namespace + "/containers/" + talker + "/attach?stdout=true", webSocket},
		{"attach over SPDY", namespace + "/containers/" + talker + "/attach?stdout=true", spdy},
		{"archive over WebSocket", f.containerPath() + "/archive?stdout=true&path=/bin", webSocket},
		{"archive over SPDY", f.containerPath() + "/archive?stdin=true&path=/", spdy},
		{"ports over WebSocket", f.containerPath() + "/portforward", tunnel},
		{"ports over SPDY", f.containerPath() + "/portforward", spdyPorts},
		{"a log", namespace + "/containers/" + talker + "/log?follow=true", nil},
		{"a log for desktop clients", passthrough + talker, webSocket},
	}
}

// open opens a stream.
func (f *fixture) open(t *testing.T, s stream) *tls.Conn {
	t.Helper()
	conn := f.dial(t)
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, f.with("GET "+s.path, append(s.header, "", "")...)); err != nil {
		t.Fatal(err)
	}
	answer, err := http.ReadResponse(bufio.NewReaderSize(conn, 16), nil)
	if err != nil {
		t.Fatal(err)
	}
	if answer.StatusCode != http.StatusSwitchingProtocols && (answer.StatusCode != http.StatusOK || s.header != nil) {
		t.Fatalf("%s: %s", s.name, answer.Status)
	}
	return conn
}

// awaitNoStreams fails unless all sessions and all their requests to the engine end.
func (f *fixture) awaitNoStreams(t *testing.T, what string) {
	t.Helper()
	left := ""
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		left = ""
		for _, r := range f.proxy.Open() {
			if ofStreams.MatchString(r.URI) {
				left += " " + r.String()
			}
		}
		if left == "" { // the answer is long, so the server is asked only then
			left = running.FindString(f.send(t, request{method: http.MethodGet, path: "/metrics"}).body)
		}
		if left == "" {
			return
		}
	}
	t.Errorf("%s: what is left: %s", what, left)
}

// message returns a frame of a WebSocket. length is what the frame says of itself.
func message(first byte, length uint64, content string) string {
	header := []byte{first, 0x80 | 127, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}
	binary.BigEndian.PutUint64(header[2:], length)
	return string(header) + content
}

func whole(first byte, content string) string { return message(first, uint64(len(content)), content) }

// spdyFrame returns a frame of SPDY. length is what the frame says of itself.
func spdyFrame(first uint32, length uint32, content string) string {
	header := binary.BigEndian.AppendUint32(nil, first)
	return string(binary.BigEndian.AppendUint32(header, length)) + content
}

func TestStreamsHaveNoOtherPathsAndMethods(t *testing.T) {
	f := start(t)
	var paths []string
	for _, subresource := range []string{"log", "exec", "attach", "portforward", "archive", "top"} {
		for _, form := range []string{"%s/", "%s/x", "%s/../../x", "%s%%2f..", "/%s", "%s%%00", "./%s", "../%s", "%s;x", "X%s"} {
			paths = append(paths, f.containerPath()+"/"+fmt.Sprintf(form, subresource)+"?command=true&stdout=true&path=/&stat=true")
		}
		for _, name := range []string{"..", "%2e%2e", ".", "a%2fb", "%00", "-", strings.Repeat("a", 10_000), f.container + "%20", f.id[:11]} {
			paths = append(paths, namespace+"/containers/"+name+"/"+subresource+"?command=true&stdout=true&path=/&stat=true")
		}
		paths = append(paths, strings.Replace(f.containerPath(), "rancher-desktop", "default", 1)+"/"+subresource+"?command=true&stdout=true&path=/&stat=true")
	}
	for _, path := range []string{"..", "%2e%2e", "a/b", "a%2fb", f.container + "/", f.container + "/x", "%00", "../exec/" + f.container, "", f.id[:11]} {
		paths = append(paths, passthrough+path)
	}
	paths = append(paths, "/passthrough/engine/exec/"+f.container, "/passthrough/engine/", "/passthrough", "/passthrough/other/logs/"+f.container)
	for _, path := range paths {
		for _, header := range [][]string{webSocket, spdy} {
			for _, method := range []string{http.MethodGet, http.MethodPost} {
				answer := f.send(t, request{method: method, path: path, header: header})
				f.checkAsked(t)
				if answer.StatusCode < 300 || answer.StatusCode >= 500 {
					t.Errorf("%s %.300s: %d %.300s", method, path, answer.StatusCode, answer.body)
				}
			}
		}
	}
	for _, s := range f.streams(t) {
		for _, method := range []string{"PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "CONNECT", "TRACE", "get", "UPGRADE"} {
			answer := f.send(t, request{method: method, path: s.path, header: s.header})
			f.checkAsked(t)
			if answer.StatusCode < 400 || answer.StatusCode >= 500 {
				t.Errorf("%s %s: %d %.300s", method, s.path, answer.StatusCode, answer.body)
			}
		}
	}
}

func TestAnUpgradeThatIsNoneReachesNoContainer(t *testing.T) {
	f := start(t)
	streams := f.streams(t)
	many := strings.TrimSuffix(strings.Repeat("x, ", 10_000), ", ")
	for name, header := range map[string][]string{
		"no upgrade":                nil,
		"no Connection":             {"Upgrade: websocket", "Sec-WebSocket-Protocol: v5.channel.k8s.io"},
		"another upgrade":           upgradeTo("h2c", "HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA"),
		"Docker's own upgrade":      upgradeTo("tcp"),
		"no protocol":               upgradeTo("websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=="),
		"unknown protocols":         upgradeTo("websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==", "Sec-WebSocket-Protocol: "+many),
		"an old protocol of SPDY":   upgradeTo("SPDY/3.1", "X-Stream-Protocol-Version: channel.k8s.io"),
		"another version of SPDY":   upgradeTo("SPDY/2", "X-Stream-Protocol-Version: v4.channel.k8s.io"),
		"the protocol of no stream": upgradeTo("SPDY/3.1", "X-Stream-Protocol-Version: "+many),
		"another method in a header": {
			"X-HTTP-Method-Override: POST", "Connection: Upgrade", "Upgrade: x",
		},
	} {
		for _, s := range streams {
			if s.header == nil || strings.HasPrefix(s.path, passthrough) {
				continue
			}
			t.Run(strings.ReplaceAll(name+"/"+s.name, " ", "-"), func(t *testing.T) {
				f.refuse(t, request{method: http.MethodGet, path: s.path, header: header}, http.StatusBadRequest)
			})
		}
	}
	for _, s := range streams {
		for _, token := range []string{"Authorization:", "Authorization: Bearer wrong", "Authorization:\r\nSec-WebSocket-Protocol: base64url.bearer.authorization.k8s.io.eA"} {
			answer := f.send(t, request{method: http.MethodGet, path: s.path, header: append([]string{token}, s.header...)})
			f.checkNotAsked(t)
			if answer.StatusCode != http.StatusUnauthorized {
				t.Errorf("%s with %q: %d %.300s", s.name, token, answer.StatusCode, answer.body)
			}
		}
	}
}

func TestSenselessParametersOfStreamsAreRefused(t *testing.T) {
	f := start(t)
	for _, query := range []string{
		"exec?stdout=true", "exec?command=", "exec?command=a%00b&stdout=true", "exec?command=true", "exec?command=true&stdout=maybe", "exec?command=true&stdout=true&tty=true&stderr=true", "exec?command=true&stdout=true&Command=x",
		"exec?command=true&stdout=true&env=%3Dx", "exec?command=true&stdout=true&detach=true", "attach?", "attach?stdin=true", "attach?stdout=true&detachKeys=a",
		"portforward?ports=0", "portforward?ports=65536", "portforward?ports=-1", "portforward?ports=http", "portforward?ports=99999999999999999999", "portforward?port=80",
		"archive?stdout=true", "archive?path=/", "archive?path=/&stdin=true&stdout=true", "archive?path=%00&stdout=true", "archive?path=/&stdout=true&copyUIDGID=1",
		"log?tailLines=-1", "log?limitBytes=0", "log?sinceTime=yesterday", "log?sinceSeconds=1&sinceTime=2026-01-01T00:00:00Z", "log?stream=Stdlog", "log?follow=perhaps", "log?previous=true", "log?tail=1", "log?%zz",
		"top?psArgs=auxe", "top?psArgs=-o+pid%0a", "top?ps_args=aux",
	} {
		header := webSocket
		if strings.HasPrefix(query, "portforward") {
			header = tunnel
		}
		f.refuse(t, request{method: http.MethodGet, path: f.containerPath() + "/" + query, header: header}, http.StatusBadRequest, http.StatusUnprocessableEntity, http.StatusConflict)
	}
}

func TestFramesThatAreTooLongOrUnknownEndOneSessionAtMost(t *testing.T) {
	f := start(t)
	const long = 1 << 40
	frames := map[string]map[bool]string{
		"too long":           {false: message(0x82, long, "x"), true: spdyFrame(1, 0xffffff, "x")},
		"a negative length":  {false: message(0x82, 1<<63, "x"), true: spdyFrame(0x80030001, 0xff000000, "")},
		"no content":         {false: whole(0x82, ""), true: spdyFrame(1, 0, "")},
		"an unknown channel": {false: whole(0x82, "\xfex"), true: spdyFrame(0x7fffffff, 1, "x")},
		"an unknown kind":    {false: whole(0x83, "x"), true: spdyFrame(0x8003ffff, 4, "xxxx")},
		"reserved bits":      {false: whole(0xf2, "x"), true: spdyFrame(0xffffffff, 4, "xxxx")},
		"no mask":            {false: "\x82\x01x", true: spdyFrame(0x80030004, 0, "")},
		"a long ping":        {false: whole(0x89, strings.Repeat("x", 126)), true: spdyFrame(0x80030006, 200_000, strings.Repeat("x", 200_000))},
		"a bomb of headers":  {false: whole(0x82, "\x04"+strings.Repeat("[", 100_000)), true: spdyFrame(0x80030001, 30, strings.Repeat("\xff", 30))},
		"half a frame":       {false: "\x82", true: "\x80\x03"},
		"nonsense":           {false: strings.Repeat("\xff", 10_000), true: strings.Repeat("\xff", 10_000)},
		"another request":    {false: f.with("DELETE "+f.containerPath(), "", ""), true: f.with("DELETE "+f.containerPath(), "", "")},
	}
	for _, s := range f.streams(t) {
		for name, frame := range frames {
			conn := f.open(t, s)
			// The server may have closed the connection already.
			_, _ = io.WriteString(conn, frame[strings.Contains(s.name, "SPDY")])
			_, _ = io.WriteString(conn, frame[strings.Contains(s.name, "SPDY")])
			if answer := f.send(t, request{method: http.MethodGet, path: f.containerPath()}); answer.StatusCode != http.StatusOK {
				t.Errorf("%s of %s: %d %.300s", name, s.name, answer.StatusCode, answer.body)
			}
			conn.Close()
		}
		f.awaitNoStreams(t, s.name)
	}
}

func TestHalfOpenUpgradesHoldUpNobodyAndEndWithTheirClients(t *testing.T) {
	f := start(t)
	var conns []net.Conn
	for _, s := range f.streams(t) {
		for range 10 {
			conn := f.dial(t)
			if _, err := io.WriteString(conn, f.with("GET "+s.path, append(s.header, "X: ")...)); err != nil {
				t.Fatal(err)
			}
			conns = append(conns, conn, f.open(t, s)) // over SPDY without a stream
		}
	}
	if answer := f.send(t, request{method: http.MethodGet, path: f.containerPath()}); answer.StatusCode != http.StatusOK {
		t.Errorf("%d %s", answer.StatusCode, answer.body)
	}
	for _, conn := range conns {
		conn.Close()
	}
	f.awaitNoStreams(t, "half open upgrades")
}

func TestClientsThatSendAndNeverReadHoldUpNobodyAndEnd(t *testing.T) {
	f := start(t)
	for _, s := range f.streams(t) {
		var conns []*tls.Conn
		flood := strings.Repeat(whole(0x82, "\x00"+strings.Repeat("x", 10_000)), 10)
		if strings.Contains(s.name, "SPDY") {
			flood = strings.Repeat(spdyFrame(1, 10_000, strings.Repeat("x", 10_000)), 10)
		}
		for range 5 {
			conns = append(conns, f.open(t, s))
		}
		var floods sync.WaitGroup
		for _, conn := range conns {
			floods.Go(func() {
				if err := conn.SetWriteDeadline(time.Now().Add(time.Second)); err != nil {
					t.Error(err)
				}
				for sent := 0; sent < 10<<20; sent += len(flood) {
					if _, err := io.WriteString(conn, flood); err != nil {
						if !errors.Is(err, os.ErrDeadlineExceeded) {
							t.Logf("%s: %v", s.name, err) // the server has ended the connection
						}
						break
					}
				}
			})
		}
		floods.Wait()
		if answer := f.send(t, request{method: http.MethodGet, path: f.containerPath()}); answer.StatusCode != http.StatusOK {
			t.Errorf("%s: %d %.300s", s.name, answer.StatusCode, answer.body)
		}
		for _, conn := range conns {
			conn.NetConn().Close() // TLS would first write for up to 5 s that it closes
		}
		f.awaitNoStreams(t, s.name)
	}
}
