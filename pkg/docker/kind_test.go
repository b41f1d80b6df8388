// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package docker

import (
	"net/http"
	"testing"
	"time"

	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/dockertest"
)

func TestComparisonsOfAKindAreAPeriodApart(t *testing.T) {
	const period = 5 * time.Minute
	for elapsed, want := range map[time.Duration]time.Duration{
		0:                              100 * time.Second,
		40 * time.Second:               time.Minute,
		100 * time.Second:              period,
		100*time.Second + time.Second:  period - time.Second,
		100*time.Second + 3*period:     period,
		100*time.Second + period*7/2:   period / 2,
		99 * time.Second:               time.Second,
		1000*period + 90*time.Second:   10 * time.Second,
		1000*period + 100*time.Second:  period,
		1000*period + 299*time.Second:  101 * time.Second,
		1000*period + 1299*time.Second: period - 299*time.Second,
	} {
		if got := untilComparison(elapsed, 100*time.Second, period); got != want {
			t.Errorf("%s after the beginning, the next comparison is in %s, want %s", elapsed, got, want)
		}
	}
}

func TestAnEngineIsConnectedOnceEachKindHasBeenTried(t *testing.T) {
	f := startFake(t)
	f.fail("GET /images/json", http.StatusForbidden, "no images for you")
	answered := make(chan struct{})
	f.handle("GET /volumes", func(w http.ResponseWriter, _ *http.Request) {
		<-answered
		answer(w, http.StatusOK, map[string]any{"Volumes": nil})
	})
	x := connectTo(t, f.host(), nil)
	awaitCondition(t, x.Engine, "ImagesSynced", "False Unavailable")
	awaitCondition(t, x.Engine, "ContainersSynced", "True Synced")
	select {
	case <-x.Connected():
		t.Error("the engine is connected before it has listed the volumes")
	default:
	}
	close(answered)
	<-x.Connected()
	if err := x.CheckSynced(); x.Check() != nil || !dockertest.Contains(err, "no images for you") {
		t.Errorf("%v, %v", x.Check(), err)
	}
}
