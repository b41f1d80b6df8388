// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package imagerequest

import (
	"context"
	"errors"
	"io"
	"net/http"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/rest"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers"
	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/transfers"
	"github.com/rancher-sandbox/engine-apiserver/pkg/registry"
	"github.com/rancher-sandbox/engine-apiserver/pkg/requests"
)

// Log is the subresource log of a kind of requests.
type Log[T registry.Object] struct {
	owner    *registry.Owner[T]
	requests *requests.Source
}

var _ rest.Connecter = &Log[*v1alpha1.ImagePullRequest]{}

// NewLog returns the subresource log of the requests that objects finds and source runs.
func NewLog[T registry.Object](objects rest.Getter, source *requests.Source) rest.Storage {
	return &Log[T]{registry.NewOwner[T](objects), source}
}

// New implements rest.Storage.
func (l *Log[T]) New() runtime.Object { return &v1alpha1.ImageRequestLogOptions{} }

// Destroy implements rest.Storage.
func (l *Log[T]) Destroy() {}

// ConnectMethods implements rest.Connecter.
func (l *Log[T]) ConnectMethods() []string { return []string{http.MethodGet} }

// NewConnectOptions implements rest.Connecter.
func (l *Log[T]) NewConnectOptions() (runtime.Object, bool, string) {
	return &v1alpha1.ImageRequestLogOptions{}, false, ""
}

// Connect implements rest.Connecter.
func (l *Log[T]) Connect(ctx context.Context, name string, given runtime.Object, _ rest.Responder) (http.Handler, error) {
	options := given.(*v1alpha1.ImageRequestLogOptions)
	if errs := containers.ValidateImageRequestLogOptions(options); len(errs) > 0 {
		return nil, apierrors.NewInvalid(v1alpha1.Kind("ImageRequestLogOptions"), name, errs)
	}
	request, err := l.owner.Find(ctx, name)
	if err != nil {
		return nil, err
	}
	log, err := l.requests.Log(string(request.GetUID()), name, options.Follow)
	if err != nil {
		return nil, err
	}
	format, contentType := asText, "text/plain"
	if options.Format == v1alpha1.LogFormatJSON {
		format, contentType = asJSON, "application/json"
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		registry.BeginLog(w, contentType)
		send(w, r, log, format)
	}), nil
}

// send sends a log as it comes. A log of a request that failed ends with an error, so that it never looks complete.
func send(w http.ResponseWriter, r *http.Request, log *requests.Log, format func([]byte) []byte) {
	controller := http.NewResponseController(w)
	for {
		if controller.Flush() != nil {
			return
		}
		lines, err := log.Next(r.Context())
		switch {
		case errors.Is(err, io.EOF), r.Context().Err() != nil:
			return
		case err != nil:
			lines = [][]byte{transfers.ErrorMessage(err)}
		}
		for _, line := range lines {
			if _, writeErr := w.Write(format(line)); writeErr != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

func asText(message []byte) []byte { return transfers.Text(message) }

func asJSON(message []byte) []byte { return append(message[:len(message):len(message)], '\n') }
