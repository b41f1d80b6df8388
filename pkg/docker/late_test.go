// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package docker

import (
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/connection"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/dockertest"
)

// TestAPodmanThatSaysSoLateIsTreatedAsPodman has a fake that refuses every other request for its version: it tells the
// version only after each connect.
func TestAPodmanThatSaysSoLateIsTreatedAsPodman(t *testing.T) {
	f := startFake(t)
	f.podman = true
	var asked atomic.Int32
	f.handle("GET /version", func(w http.ResponseWriter, _ *http.Request) {
		if asked.Add(1)%2 == 1 {
			answer(w, http.StatusForbidden, map[string]string{"message": "no"})
			return
		}
		answer(w, http.StatusOK, map[string]any{"Version": "fake", "ApiVersion": f.api, "Components": []map[string]string{{"Name": "Podman Engine"}}})
	})
	x := connectTo(t, f.host(), nil)
	var c *connection.Connection
	eventually(t, "a connection to Podman", func() (is bool) {
		now, err := x.client.Current()
		c, is = now, err == nil && now.IsPodman() && !x.Fenced()
		return is
	})
	eventually(t, "the version", func() bool { return x.Version().Engine != "" })
	if now, err := x.client.Current(); err != nil || now != c {
		t.Errorf("the connection was made again: %v", err)
	}
}

func TestNothingIsReadUntilAKindHasBeenTried(t *testing.T) {
	f := startFake(t)
	release := make(chan struct{})
	for _, list := range []string{"/containers/json", "/images/json", "/volumes", "/networks"} {
		f.handle("GET "+list, func(w http.ResponseWriter, r *http.Request) {
			select {
			case <-release:
				answer(w, http.StatusForbidden, map[string]string{"message": "no"})
			case <-r.Context().Done():
			}
		})
	}
	x := connectTo(t, f.host(), nil)
	eventually(t, "connection", func() bool { return x.Check() == nil })
	if err := x.CheckRead(); !dockertest.Contains(err, "containers are being read") {
		t.Errorf("before the first answer: %v", err)
	}
	close(release)
	eventually(t, "a refusal of all kinds", func() bool { return x.CheckRead() == nil })
}
