// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package connection

import (
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/docker/docker/client"

	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/dockertest"
)

// slowInfo is an engine that takes its time to say what it is.
type slowInfo struct {
	takes time.Duration
	asked atomic.Int32
}

// RoundTrip implements http.RoundTripper.
func (s *slowInfo) RoundTrip(r *http.Request) (*http.Response, error) {
	s.asked.Add(1)
	select {
	case <-time.After(s.takes):
		return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(`{"Name":"engine"}`)), Request: r}, nil
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
}

func TestAnEngineThatIsSlowToSayWhatItIsHoldsUpAllObservationsForASecondAtMost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		engine := &slowInfo{takes: 5 * time.Second}
		docker, err := client.NewClientWithOpts(client.WithHost("tcp://engine:2375"), client.WithHTTPClient(&http.Client{Transport: engine}), client.WithVersion("1.51"))
		dockertest.Must(t, err)
		c := New(t.Context(), docker, &http.Transport{}, nil)
		defer c.Close()
		began := time.Now()
		var observations sync.WaitGroup
		for range 20 {
			observations.Go(func() {
				for range 20 {
					if told := c.Info(t.Context()); told != nil {
						t.Errorf("the engine has said %+v", told)
					}
				}
			})
		}
		observations.Wait()
		if waited := time.Since(began); waited != infoTimeout {
			t.Errorf("400 observations waited for %s", waited)
		}
		time.Sleep(engine.takes)
		if told := c.Info(t.Context()); told == nil || told.Name != "engine" || engine.asked.Load() > 2 {
			t.Errorf("asked %d times, the engine has said %+v", engine.asked.Load(), told)
		}
		c.Close()
	})
}
