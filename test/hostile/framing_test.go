// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package hostile

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// exchange writes the text of wire to a connection as it is. It returns the answers until the server closes the connection.
func (f *fixture) exchange(t *testing.T, wire string) []response {
	t.Helper()
	f.proxy.Reset()
	conn := f.dial(t)
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	go io.WriteString(conn, wire)
	var answers []response
	for reader := bufio.NewReader(conn); ; {
		answer, err := http.ReadResponse(reader, &http.Request{Method: http.MethodGet})
		if err != nil {
			return answers
		}
		body, err := io.ReadAll(answer.Body)
		if err != nil {
			return answers
		}
		answers = append(answers, response{answer, string(body)})
		if answer.Close {
			return answers
		}
	}
}

// with returns the text of a request that has the token. rest holds the lines that follow the header of the token.
func (f *fixture) with(line string, rest ...string) string {
	return line + " HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + f.config.BearerToken + "\r\n" + strings.Join(rest, "\r\n")
}

func TestNoRequestHidesInAnother(t *testing.T) {
	f := start(t)
	hidden := f.with("DELETE "+f.containerPath()+"?gracePeriodSeconds=0", "", "")
	list := "GET " + namespace + "/containernamespaces"
	for name, wire := range map[string]string{
		"a length and chunks":        f.with(list, fmt.Sprintf("Content-Length: %d", len("0\r\n\r\n")+len(hidden)), "Transfer-Encoding: chunked", "Connection: close", "", "0", "", hidden),
		"two lengths":                f.with(list, "Content-Length: 0", fmt.Sprintf("Content-Length: %d", len(hidden)), "", hidden),
		"a list of lengths":          f.with(list, "Content-Length: 0, 5", "", hidden),
		"a negative length":          f.with(list, "Content-Length: -1", "", hidden),
		"a signed length":            f.with(list, "Content-Length: +5", "", hidden),
		"a length that is no number": f.with(list, "Content-Length: 0x10", "", hidden),
		"a huge length":              f.with(list, "Content-Length: 99999999999999999999", "", hidden),
		"unknown codings":            f.with(list, "Transfer-Encoding: gzip, chunked", "", hidden),
		"chunks twice":               f.with(list, "Transfer-Encoding: chunked", "Transfer-Encoding: chunked", "", "0", "", hidden),
		"a spaced header":            f.with(list, "Transfer-Encoding : chunked", "", hidden),
		"a chunk without a size":     f.with("PUT "+f.containerPath(), "Content-Type: application/json", "Transfer-Encoding: chunked", "", "zz", hidden),
		"a huge chunk":               f.with("PUT "+f.containerPath(), "Content-Type: application/json", "Transfer-Encoding: chunked", "", "ffffffffffffffff1", hidden),
		"two hosts":                  f.with(list, "Host: y", "", hidden),
		"a NUL in a header":          f.with(list, "X: a\x00b", "", hidden),
	} {
		answers := f.exchange(t, wire)
		f.checkAsked(t)
		for i, answer := range answers {
			if answer.StatusCode >= 500 && answer.StatusCode != http.StatusNotImplemented || i > 0 && name != "a length and chunks" {
				t.Errorf("%s: answer %d is %d %.300s", name, i, answer.StatusCode, answer.body)
			}
		}
		if len(answers) > 0 && answers[0].StatusCode == http.StatusOK && name != "a length and chunks" {
			t.Errorf("%s: answered with %.300s", name, answers[0].body)
		}
	}
}

func TestNoHeaderChangesWhatIsAsked(t *testing.T) {
	f := start(t)
	for _, header := range []string{
		"X-HTTP-Method-Override: DELETE", "X-HTTP-Method: DELETE", "X-Method-Override: DELETE", "X-Original-URL: " + f.containerPath(), "X-Rewrite-URL: /containers/json", "X-Forwarded-Host: evil", "Forwarded: host=evil",
		"X-Forwarded-Uri: /x", "Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA", "Upgrade: tcp\r\nConnection: Upgrade", "Expect: 100-continue", "Range: bytes=0-1", "Te: trailers", "Content-Encoding: gzip",
	} {
		answer := f.send(t, request{method: http.MethodGet, path: f.containerPath() + "?_method=DELETE", header: []string{header}})
		f.checkAsked(t)
		if answer.StatusCode != http.StatusOK || !strings.Contains(answer.body, f.id) {
			t.Errorf("%q: %d %.300s", header, answer.StatusCode, answer.body)
		}
	}
	for _, target := range []string{"http://evil" + f.containerPath(), "https://evil/" + f.container, "ftp://x/y", "*", "evil:80", "?x", "#x"} {
		answers := f.exchange(t, f.with("DELETE "+target+"/../../../x", "Connection: close", "", ""))
		f.checkNotAsked(t)
		for _, answer := range answers {
			if answer.StatusCode < 300 || answer.StatusCode >= 500 {
				t.Errorf("DELETE %s: %d %.300s", target, answer.StatusCode, answer.body)
			}
		}
	}
	f.refuse(t, request{method: http.MethodPatch, path: f.containerPath(), contentType: mergePatch, body: `{"spec":{"state":"stop"}}`, header: []string{"X-HTTP-Method-Override: DELETE"}}, http.StatusUnprocessableEntity)
}

func TestNobodyIsAFrontProxyWithoutItsCertificate(t *testing.T) {
	f := start(t)
	for _, header := range [][]string{
		{"Authorization:", "X-Remote-User: system:admin", "X-Remote-Group: system:masters"}, {"Authorization:", "x-remote-user: kubernetes-admin", "X-Remote-Uid: 0", "X-Remote-Extra-Scopes: all"},
		{"Authorization: Basic YWRtaW46YWRtaW4=", "X-Forwarded-User: admin"}, {"Authorization:", "X-Forwarded-Client-Cert: Subject=\"O=system:masters,CN=admin\""}, {"Authorization:", "Sec-WebSocket-Protocol: base64url.bearer.authorization.k8s.io.eA"},
	} {
		for _, method := range []string{http.MethodGet, http.MethodDelete} {
			f.refuse(t, request{method: method, path: f.containerPath(), header: header}, http.StatusUnauthorized)
			f.checkNotAsked(t)
		}
	}
}

func TestBombsDoNotGoOff(t *testing.T) {
	f := start(t)
	var packed bytes.Buffer
	writer := gzip.NewWriter(&packed)
	for range 64 {
		writer.Write(make([]byte, 1<<20))
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	laughs := "a0: &a0 [lol,lol,lol,lol,lol,lol,lol,lol,lol,lol]\n"
	for i := range 20 {
		laughs += fmt.Sprintf("a%d: &a%d [%s]\n", i+1, i+1, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d,", i), 10), ","))
	}
	gzipped := []string{"Content-Encoding: gzip"}
	for _, r := range []request{
		{method: http.MethodPut, path: f.containerPath(), body: packed.String(), header: gzipped},
		{method: http.MethodPatch, path: f.containerPath(), contentType: mergePatch, body: packed.String(), header: gzipped},
		{method: http.MethodDelete, path: f.containerPath(), body: packed.String(), header: gzipped},
		{method: http.MethodPatch, path: f.containerPath() + "?fieldManager=test", contentType: applyPatch, body: laughs},
		{method: http.MethodPut, path: f.containerPath(), contentType: "application/yaml", body: laughs},
		{method: http.MethodPut, path: f.containerPath(), contentType: "application/yaml", body: strings.Repeat("- ", 500_000)},
		{method: http.MethodPut, path: f.containerPath(), contentType: "application/cbor", body: strings.Repeat("\x81", 100_000)},
		{method: http.MethodPatch, path: f.containerPath(), contentType: jsonPatch, body: "[" + strings.TrimSuffix(strings.Repeat(`{"op":"copy","from":"","path":"/status/args/-"},`, 30), ",") + "]"},
	} {
		f.refuse(t, r, http.StatusBadRequest, http.StatusUnprocessableEntity, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType)
	}
}

func TestHugeHeadersAreRefused(t *testing.T) {
	f := start(t)
	for name, header := range map[string][]string{"one": {"X: " + strings.Repeat("a", 2<<20)}, "many": {strings.TrimSuffix(strings.Repeat("X: "+strings.Repeat("a", 1000)+"\r\n", 2000), "\r\n")}} {
		answer := f.send(t, request{method: http.MethodDelete, path: f.containerPath(), header: header})
		f.checkNotAsked(t)
		if answer.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
			t.Errorf("%s: %d %.300s", name, answer.StatusCode, answer.body)
		}
	}
	answer := f.send(t, request{method: http.MethodGet, path: namespace + "/containers?fieldSelector=" + strings.Repeat("a", 2<<20)})
	f.checkNotAsked(t)
	if answer.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("a long target: %d %.300s", answer.StatusCode, answer.body)
	}
}
