// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package engines

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/connection"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/dockertest"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/source"
)

const socket = "unix:///nowhere/docker.sock"

// nowhere returns the source of an engine that was never connected to.
func nowhere(t *testing.T, host string) *Source {
	t.Helper()
	endpoint, err := connection.Resolve(host, connection.Full)
	dockertest.Must(t, err)
	kinds := []Kind{{"containers", v1alpha1.EngineContainersSynced}, {"images", v1alpha1.EngineImagesSynced}, {"volumes", v1alpha1.EngineVolumesSynced}}
	shared := source.Engine{Client: connection.NewClient(endpoint), Namespace: "engine"}
	return New(shared, endpoint, kinds, func() bool { return true })
}

func shownBy(t *testing.T, s *Source) *v1alpha1.Engine {
	t.Helper()
	objects, _, err := s.Observe(t.Context(), v1alpha1.EngineName)
	dockertest.Must(t, err)
	return objects["engine/moby"].(*v1alpha1.Engine)
}

func TestAnEngineIsShownBeforeItAnswers(t *testing.T) {
	shown := shownBy(t, nowhere(t, socket))
	if shown.UID == "" || shown.Status.Counts != nil || shown.Status.Endpoint != "unix:///nowhere/docker.sock" {
		t.Errorf("%+v", shown)
	}
	for kind, want := range map[string]string{"ContainerEngineReady": "False ConnectFailed: not yet connected", "Synced": "False Unavailable: not yet connected"} {
		c := meta.FindStatusCondition(shown.Status.Conditions, kind)
		if got := fmt.Sprintf("%s %s: %s", c.Status, c.Reason, c.Message); !strings.HasPrefix(got, want) {
			t.Errorf("%s is %s, want %s", kind, got, want)
		}
	}
}

func TestTheEndpointOfAnEngineHasNoPassword(t *testing.T) {
	if got := shownBy(t, nowhere(t, "tcp://user:secret@127.0.0.1:1")).Status.Endpoint; strings.Contains(got, "secret") || !strings.Contains(got, "127.0.0.1:1") {
		t.Errorf("the endpoint is %s", got)
	}
}

func TestTheReasonTellsWhyAnEngineIsNotReady(t *testing.T) {
	refused := &net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	for name, test := range map[string]struct {
		err             error
		never, answered string
	}{
		"stream ended":  {ErrStreamEnded, "ConnectFailed", "Stopped"},
		"hung up":       {fmt.Errorf("reading its event stream: %w", io.ErrUnexpectedEOF), "ConnectFailed", "Stopped"},
		"reset":         {&net.OpError{Op: "read", Err: syscall.ECONNRESET}, "ConnectFailed", "Stopped"},
		"refused":       {refused, "ConnectFailed", "Stopped"},
		"no daemon":     {errors.New("Cannot connect to the Docker daemon at unix:///x. Is the docker daemon running?"), "ConnectFailed", "Stopped"},
		"no pipe":       {&fs.PathError{Op: "open", Err: fs.ErrNotExist}, "ConnectFailed", "Stopped"},
		"no permission": {&net.OpError{Op: "dial", Err: fs.ErrPermission}, "ConnectFailed", "ConnectFailed"},
		"timeout":       {&net.OpError{Op: "dial", Err: os.ErrDeadlineExceeded}, "ConnectFailed", "ConnectFailed"},
		"hung":          {context.DeadlineExceeded, "ConnectFailed", "ConnectFailed"},
		"bad answer":    {errors.New("reading an event: bad JSON"), "ConnectFailed", "ConnectFailed"},
		"too old":       {&connection.NotApplicableError{}, "NotApplicable", "NotApplicable"},
	} {
		s := nowhere(t, socket)
		if got := s.ReasonFor(test.err); got != test.never {
			t.Errorf("%s, and the engine never answered: %s, want %s", name, got, test.never)
		}
		s.Connected(connection.Version{})
		if got := s.ReasonFor(test.err); got != test.answered {
			t.Errorf("%s, and the engine had answered: %s, want %s", name, got, test.answered)
		}
	}
}

func TestATransitionIsAChangeOfTheStatusAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := nowhere(t, socket)
		began := metav1.Now()
		since := func() time.Duration {
			c := meta.FindStatusCondition(shownBy(t, e).Status.Conditions, v1alpha1.EngineReady)
			return c.LastTransitionTime.Sub(began.Time)
		}
		for i, step := range []struct {
			change func()
			want   time.Duration
		}{
			{func() { e.Lost(v1alpha1.EngineConnectFailed, errors.New("another reason")) }, 0},
			{func() { e.Connected(connection.Version{}) }, 2 * time.Second},
			{func() { e.Connected(connection.Version{Engine: "28"}) }, 2 * time.Second},
			{func() { e.Lost(v1alpha1.EngineStopped, errors.New("gone")) }, 4 * time.Second},
			{func() { e.Lost(v1alpha1.EngineConnectFailed, errors.New("gone")) }, 4 * time.Second},
		} {
			time.Sleep(time.Second)
			step.change()
			if got := since(); got != step.want {
				t.Errorf("after step %d the last transition is at %s, want %s", i, got, step.want)
			}
		}
	})
}

func TestAnEngineCannotBeChanged(t *testing.T) {
	s := nowhere(t, socket)
	_, createErr := s.Create(t.Context(), "engine/other", &v1alpha1.Engine{})
	for what, err := range map[string]error{
		"create": createErr,
		"update": s.Update(t.Context(), "moby", &v1alpha1.Engine{}, &v1alpha1.Engine{}),
		"delete": s.Delete(t.Context(), "moby", &v1alpha1.Engine{}),
	} {
		if dockertest.Code(err) != 405 {
			t.Errorf("%s: %v", what, err)
		}
	}
	if subject, err := s.Lookup(t.Context(), "engine/other"); subject != "" || err != nil {
		t.Errorf("lookup: %q, %v", subject, err)
	}
}
