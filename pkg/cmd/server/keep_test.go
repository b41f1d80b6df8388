// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	genericapiserver "k8s.io/apiserver/pkg/server"
	restclient "k8s.io/client-go/rest"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apiserver"
)

// fakeKeeper records the calls of its methods.
type fakeKeeper struct {
	mu    sync.Mutex
	calls []string
	stuck bool
}

func (f *fakeKeeper) called(call string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, call)
}

func (f *fakeKeeper) Run(ctx context.Context) {
	f.called("run")
	<-ctx.Done()
	f.called("ran")
}

func (f *fakeKeeper) Unregister(ctx context.Context) error {
	f.called("unregister")
	if f.stuck {
		<-ctx.Done()
		f.called("gave up")
	}
	return errors.New("the control plane does not answer")
}

// newHooks returns a server that only has hooks.
func newHooks(t *testing.T) *genericapiserver.GenericAPIServer {
	t.Helper()
	config := apiserver.NewGenericConfig()
	config.ExternalAddress, config.LoopbackClientConfig = "localhost:443", &restclient.Config{}
	config.EffectiveVersion = apiserver.EffectiveVersion()
	config.SkipOpenAPIInstallation = true
	server, err := config.Complete().New("test", genericapiserver.NewEmptyDelegate())
	if err != nil {
		t.Fatal(err)
	}
	return server
}

func TestTheRegistrationIsKeptWhileTheServerRunsAndTakenAwayOnce(t *testing.T) {
	for _, test := range []struct {
		unregister, stuck bool
		want              []string
	}{
		{true, false, []string{"run", "ran", "unregister"}},
		{true, true, []string{"run", "ran", "unregister", "gave up"}},
		{false, false, []string{"run", "ran"}},
	} {
		synctest.Test(t, func(t *testing.T) {
			server := newHooks(t)
			keeper := &fakeKeeper{stuck: test.stuck}
			keepRegistered(server, "test", keeper, test.unregister, "The test is still registered")
			ctx, cancel := context.WithCancel(t.Context())
			server.RunPostStartHooks(ctx)
			synctest.Wait()
			began := time.Now()
			if err := server.RunPreShutdownHooks(); err != nil {
				t.Error(err)
			}
			if took := time.Since(began); took > unregisterTimeout {
				t.Errorf("the server took %s to end", took)
			}
			cancel()
			synctest.Wait()
			if !slices.Equal(keeper.calls, test.want) {
				t.Errorf("unregister %t: %q, want %q", test.unregister, keeper.calls, test.want)
			}
			server.Destroy()
		})
	}
}

func TestAServerThatEndsBeforeItRanIsNotHeldUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := newHooks(t)
		keeper := &fakeKeeper{}
		keepRegistered(server, "test", keeper, true, "The test is still registered")
		began := time.Now()
		if err := server.RunPreShutdownHooks(); err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took > unregisterTimeout || !slices.Equal(keeper.calls, []string{"unregister"}) {
			t.Errorf("%s, %q", took, keeper.calls)
		}
		server.Destroy()
	})
}
