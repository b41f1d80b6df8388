// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package docker

import (
	"net/http"
	"sync/atomic"
	"testing"
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
		answer(w, http.StatusOK, map[string]any{"Version": "fake", "ApiVersion": f.api, "Components": []map[string]string{{"Name": podman}}})
	})
	x := connectTo(t, f.host(), nil)
	var c *connection
	eventually(t, "a connection to Podman", func() (is bool) {
		now, err := x.current()
		c, is = now, err == nil && now.datesVolumes() && !now.fenced()
		return is
	})
	eventually(t, "the version", func() bool { return x.Version().Engine != "" })
	if now, err := x.current(); err != nil || now != c {
		t.Errorf("the connection was made again: %v", err)
	}
}

func TestVolumesAreDatedWhateverVersionOfTheAPIIsSpoken(t *testing.T) {
	t.Setenv("DOCKER_API_VERSION", "1.41")
	for api, want := range map[string]bool{"1.41": false, "1.51": true} {
		f := startFake(t)
		f.api = api
		c, err := connectFake(t, f).current()
		must(t, err)
		if spoken := c.client.ClientVersion(); spoken != "1.41" || c.datesVolumes() != want {
			t.Errorf("an engine with API %s, to which the server speaks %s, dates volumes: %t", api, spoken, c.datesVolumes())
		}
	}
}

func TestNothingIsReadUntilAKindHasBeenTried(t *testing.T) {
	f := startFake(t)
	release := make(chan struct{})
	for _, list := range []string{"/containers/json", "/images/json", "/volumes"} {
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
	if err := x.CheckRead(); !contains(err, "containers are being read") {
		t.Errorf("before the first answer: %v", err)
	}
	close(release)
	eventually(t, "a refusal of all kinds", func() bool { return x.CheckRead() == nil })
}
