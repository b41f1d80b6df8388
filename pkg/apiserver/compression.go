// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"net"
	"net/http"
	"net/netip"
)

// withoutLocalCompression does not compress answers to clients on this machine: compressing takes several times as long
// as sending. A proxy, such as kube-apiserver, sends X-Forwarded-For and still gets the compression that it asks for.
func withoutLocalCompression(handler http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if isLocal(r.RemoteAddr) && len(r.Header.Values("X-Forwarded-For")) == 0 {
			r.Header.Del("Accept-Encoding")
		}
		handler.ServeHTTP(w, r)
	})
}

func isLocal(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}
