// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package desktop

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/rancher-sandbox/engine-apiserver/pkg/passthrough"
)

// prefix is what the paths of logs begin with. Control planes forward them without it.
const prefix = "/passthrough"

// health are the paths of the server's health.
var health = []string{"/livez", "/readyz", "/healthz"}

// passedOn are the headers of a request that the server sees. None of them says who the user is.
var passedOn = []string{"Connection", "Upgrade", "Sec-Websocket-Version", "Sec-Websocket-Key", "User-Agent", "X-Forwarded-For"}

// anonymous passes requests for logs and for health on to a server, as requests of nobody in particular. It refuses those of
// web pages: a page must not see what a program on the same machine may see.
type anonymous struct{ server http.Handler }

// ServeHTTP implements http.Handler.
func (a anonymous) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := r.URL.Path
	if strings.HasPrefix(prefix+path, passthrough.LogsPath) {
		path = prefix + path
	}
	switch {
	case !isLoopback(r.Host):
		http.Error(w, "this port is for programs on this machine: ask for it by a loopback address or by localhost", http.StatusForbidden)
		return
	case !isSameOrigin(r):
		http.Error(w, "this port is not for web pages", http.StatusForbidden)
		return
	case !strings.HasPrefix(path, passthrough.LogsPath) && !slices.Contains(health, path):
		http.NotFound(w, r)
		return
	}
	forwarded := r.Clone(r.Context())
	forwarded.URL.Path, forwarded.URL.RawPath = path, ""
	forwarded.RequestURI = forwarded.URL.RequestURI()
	forwarded.Header = http.Header{}
	for _, name := range passedOn {
		if values := r.Header.Values(name); len(values) > 0 {
			forwarded.Header[name] = values
		}
	}
	a.server.ServeHTTP(w, forwarded)
}

// isLoopback reports whether a Host header names this machine. A page whose own name leads to this machine has that name in
// its requests.
func isLoopback(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	if strings.EqualFold(host, "localhost") {
		return true
	}
	address, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && address.IsLoopback()
}

// isSameOrigin reports whether no page asks, or one that came from the same host and port. Browsers say so in each request
// for a WebSocket.
func isSameOrigin(r *http.Request) bool {
	given := r.Header.Values("Origin")
	if len(given) == 0 {
		return true
	}
	origin, err := url.Parse(given[0])
	return err == nil && len(given) == 1 && strings.EqualFold(origin.Host, r.Host)
}
