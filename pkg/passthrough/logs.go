// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

// Package passthrough serves desktop clients that have a log view of their own. They get the log of a container over a
// WebSocket, without the API machinery of Kubernetes.
package passthrough

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/validate/content"
	"k8s.io/streaming/pkg/httpstream/wsstream"
	"k8s.io/utils/clock"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

// LogsPath is the path of all logs. The name or the ID of a container follows it.
const LogsPath = "/passthrough/engine/logs/"

// bufferSize is the most that one message holds.
const bufferSize = 32 << 10

// Logs serves the logs of containers as one-way WebSockets of binary messages.
type Logs struct {
	// Open opens the log of the container with that name or ID. Its errors are API errors. The log ends with ctx. If a
	// Read fails with another error than io.EOF, the log is not complete.
	Open func(ctx context.Context, name string, options *v1alpha1.ContainerLogOptions) (io.ReadCloser, error)
	// Clock says when it is time for a ping.
	Clock clock.WithTicker
}

// ContainerOf returns the name or the ID of the container whose log has that path. It returns false if the path is not
// that of a log.
func ContainerOf(path string) (string, bool) {
	name, found := strings.CutPrefix(path, LogsPath)
	return name, found && name != "" && len(content.IsPathSegmentName(name)) == 0
}

// ServeHTTP implements http.Handler. Errors before the upgrade are plain text.
func (l Logs) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	r = r.WithContext(ctx)
	log, err := l.open(r)
	if err != nil {
		refuse(w, err)
		return
	}
	defer log.Close()
	serve(w, r, log, cancel, l.Clock)
}

func (l Logs) open(r *http.Request) (io.ReadCloser, error) {
	name, ok := ContainerOf(r.URL.Path)
	if !ok {
		return nil, apierrors.NewBadRequest("the path must end with the name or the ID of a container")
	}
	options, err := optionsOf(r.URL.RawQuery)
	if err != nil {
		return nil, apierrors.NewBadRequest(err.Error())
	}
	if r.Method != http.MethodGet || !wsstream.IsWebSocketRequest(r) {
		return nil, apierrors.NewBadRequest("this is a WebSocket: ask for it with GET and the headers of an upgrade")
	}
	return l.Open(r.Context(), name, options)
}

// optionsOf returns the options that a query asks for: follow (true by default) and tail (all by default).
func optionsOf(query string) (*v1alpha1.ContainerLogOptions, error) {
	values, err := url.ParseQuery(query)
	if err != nil {
		return nil, fmt.Errorf("the query cannot be read: %w", err)
	}
	options := &v1alpha1.ContainerLogOptions{Follow: true}
	for name, given := range values {
		value := given[0]
		switch {
		case len(given) > 1:
			return nil, fmt.Errorf("parameter %s: it is given %d times", name, len(given))
		case name == "follow":
			if options.Follow, err = strconv.ParseBool(value); err != nil {
				return nil, fmt.Errorf("parameter follow: %q is neither true nor false", value)
			}
		case name == "tail" && value != "all":
			lines, err := strconv.ParseInt(value, 10, 64)
			if err != nil || lines < 0 {
				return nil, fmt.Errorf("parameter tail: %q is neither all nor a number of lines", value)
			}
			options.TailLines = &lines
		case name != "tail":
			return nil, fmt.Errorf("there is no parameter %q: use one of follow, tail", name)
		}
	}
	return options, nil
}

// refuse answers with an error before the upgrade.
func refuse(w http.ResponseWriter, err error) {
	code := http.StatusInternalServerError
	if status := apierrors.APIStatus(nil); errors.As(err, &status) {
		code = int(status.Status().Code)
		if seconds, found := apierrors.SuggestsClientDelay(err); found {
			w.Header().Set("Retry-After", strconv.Itoa(seconds))
		}
	}
	http.Error(w, err.Error(), code)
}
