// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package container

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/apiserver/pkg/util/flushwriter"
	"k8s.io/klog/v2"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers"
	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/registry"
	"github.com/rancher-sandbox/engine-apiserver/pkg/streaming"
)

const previousRefused = "there is no previous log: Docker keeps the output of all runs of a container in one log. Leave the parameter previous out"

// logPiece is how much of a log is sent at a time. Together with the nine bytes of a frame header it fills one HTTP/2 frame
// and one TLS record.
const logPiece = 16<<10 - 9

// Log is the subresource log. It is a rest.Connecter, because the generic code for streams ends an answer that breaks
// half way as if it were complete.
type Log struct {
	owner    *registry.Owner[*v1alpha1.Container]
	engine   Engine
	sessions *streaming.Sessions
}

var _ rest.Connecter = &Log{}

// New implements rest.Storage.
func (l *Log) New() runtime.Object { return &v1alpha1.ContainerLogOptions{} }

// Destroy implements rest.Storage.
func (l *Log) Destroy() {}

// ConnectMethods implements rest.Connecter.
func (l *Log) ConnectMethods() []string { return []string{http.MethodGet} }

// NewConnectOptions implements rest.Connecter.
func (l *Log) NewConnectOptions() (runtime.Object, bool, string) {
	return &v1alpha1.ContainerLogOptions{}, false, ""
}

// Connect implements rest.Connecter.
func (l *Log) Connect(ctx context.Context, name string, options runtime.Object, responder rest.Responder) (http.Handler, error) {
	log, err := l.Open(ctx, name, options.(*v1alpha1.ContainerLogOptions))
	if err != nil {
		return nil, err
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer log.Close()
		if followed, ok := log.(*followed); ok {
			defer followed.cutOff(w)()
		}
		answer(w, r, log)
	}), nil
}

// Open opens the log of the container with that name or ID. Its errors are API errors. A log that is followed is a session
// until it is closed.
func (l *Log) Open(ctx context.Context, name string, options *v1alpha1.ContainerLogOptions) (io.ReadCloser, error) {
	if options.Previous {
		return nil, apierrors.NewBadRequest(previousRefused)
	}
	if errs := containers.ValidateContainerLogOptions(options); len(errs) > 0 {
		return nil, apierrors.NewInvalid(v1alpha1.Kind("ContainerLogOptions"), name, errs)
	}
	container, err := l.owner.Find(ctx, name)
	if err != nil {
		return nil, err
	}
	if !options.Follow {
		return l.engine.Log(ctx, container.Status.ID, name, options)
	}
	session, err := l.sessions.Begin(ctx, "log")
	if err != nil {
		return nil, err
	}
	log, err := l.engine.Log(session.Context(), container.Status.ID, name, options)
	if err != nil {
		session.End()
		return nil, err
	}
	return &followed{log, session}, nil
}

// followed is a log that is followed in a session.
type followed struct {
	io.ReadCloser
	session *streaming.Served
}

// cutOff ends the writes of an answer when the session ends: a client that does not read must not hold up its end. The handler
// calls the function that cutOff returns before it returns itself, because after that the answer must not be touched.
func (f *followed) cutOff(w http.ResponseWriter) (stop func()) {
	cut := make(chan struct{})
	stopped := context.AfterFunc(f.session.Context(), func() {
		defer close(cut)
		// The recorders of tests have no deadlines.
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now())
	})
	return func() {
		if !stopped() {
			<-cut
		}
	}
}

// Read implements io.Reader. It fails with the cause for which the session has ended.
func (f *followed) Read(p []byte) (int, error) {
	n, err := f.ReadCloser.Read(p)
	if n > 0 {
		f.session.Touch()
	}
	if ctx := f.session.Context(); err != nil && !errors.Is(err, io.EOF) && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return n, err
}

// Close implements io.Closer.
func (f *followed) Close() error {
	defer f.session.End()
	return f.ReadCloser.Close()
}

// answer sends a log as it comes. If the log breaks off, answer breaks off the answer: a log that is not complete must
// not look complete.
func answer(w http.ResponseWriter, r *http.Request, log io.Reader) {
	registry.BeginLog(w, "text/plain")
	flushed := flushwriter.Wrap(w)
	_, err := flushed.Write(nil)
	if err == nil {
		_, err = io.CopyBuffer(flushed, struct{ io.Reader }{log}, make([]byte, logPiece))
	}
	if err == nil || r.Context().Err() != nil {
		return
	}
	klog.FromContext(r.Context()).Info("The log of a container broke off", "path", r.URL.Path, "reason", err.Error())
	panic(http.ErrAbortHandler)
}
