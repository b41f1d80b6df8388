// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package container

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/registry"
	"github.com/rancher-sandbox/engine-apiserver/pkg/streaming"
)

// oneContainer is a rest.Getter.
type oneContainer struct{}

func (oneContainer) Get(_ context.Context, name string, _ *metav1.GetOptions) (runtime.Object, error) {
	return &v1alpha1.Container{ObjectMeta: metav1.ObjectMeta{Name: name}}, nil
}

// endlessLog is an Engine with a container that writes as fast as it can.
type endlessLog struct {
	Engine
	reads atomic.Int64
}

func (e *endlessLog) Log(ctx context.Context, _, _ string, _ *v1alpha1.ContainerLogOptions) (io.ReadCloser, error) {
	return io.NopCloser(zeros{ctx, &e.reads}), nil
}

type zeros struct {
	ctx   context.Context
	reads *atomic.Int64
}

func (z zeros) Read(p []byte) (int, error) {
	z.reads.Add(1)
	return len(p), z.ctx.Err()
}

// awaitRest waits until the log is not read any more, because its client does not read.
func (e *endlessLog) awaitRest() {
	for before, same := int64(0), 0; same < 50; time.Sleep(10 * time.Millisecond) {
		if now := e.reads.Load(); now == before {
			same++
		} else {
			before, same = now, 0
		}
	}
}

func TestAClientThatDoesNotReadALogDoesNotHoldUpTheEndOfItsSession(t *testing.T) {
	sessions := streaming.New(streaming.Config{Grace: time.Nanosecond})
	engine := &endlessLog{}
	log := &Log{registry.NewOwner[*v1alpha1.Container](oneContainer{}), engine, sessions}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		handler, err := log.Connect(r.Context(), "web", &v1alpha1.ContainerLogOptions{Follow: true}, nil)
		if err != nil {
			t.Error(err)
			return
		}
		handler.ServeHTTP(w, r)
	}))
	defer server.Close()
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	if _, err := io.ReadFull(conn, make([]byte, 1000)); err != nil {
		t.Fatal(err)
	}
	engine.awaitRest()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	if err := sessions.Shutdown(ctx); err != nil {
		t.Error(err)
	}
}
