// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package aggregated

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
)

const (
	// checkTimeout is how long the control plane may take to answer all questions of a check.
	checkTimeout = 5 * time.Second
	// maxPause is the longest time between two checks, but for jitter.
	maxPause = 1800 * time.Millisecond
)

// Pending is an error that may go by itself.
type Pending struct {
	What, Why, Remedy string
}

// Error implements error.
func (p *Pending) Error() string { return fmt.Sprintf("%s: %s; %s", p.What, p.Why, p.Remedy) }

// Wait checks until there is no Pending error, and reports each one that is not the last one again. It returns what else
// is wrong, or the error of ctx.
func Wait(ctx context.Context, check func(context.Context) error, report func(*Pending)) error {
	pause := wait.Backoff{Duration: 100 * time.Millisecond, Factor: 2, Jitter: 0.1, Steps: 10, Cap: maxPause}
	var last Pending
	for {
		err := bounded(ctx, check)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		var pending *Pending
		if !errors.As(err, &pending) {
			return err
		}
		if *pending != last {
			report(pending)
			last = *pending
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause.Step()):
		}
	}
}

func bounded(ctx context.Context, check func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	return check(ctx)
}

// classify says whether an error that a request ended with may go by itself.
func (c *client) classify(ctx context.Context, err error) error {
	const start = "it may still be starting"
	status := apierrors.APIStatus(nil)
	if !errors.As(err, &status) {
		if reason := noKubernetes(err); reason != "" {
			return c.notKubernetes(reason)
		}
		var untrusted *tls.CertificateVerificationError
		if errors.As(err, &untrusted) {
			return fmt.Errorf("%s is not trusted: %w: correct the certificate authority in %s", c.name(), untrusted.Err, c.source)
		}
		return &Pending{c.name(), transportReason(ctx, err), "start it, or correct the address in " + c.source}
	}
	switch code := int(status.Status().Code); {
	case code >= http.StatusInternalServerError, code == http.StatusTooManyRequests:
		return &Pending{c.name(), fmt.Sprintf("it is not ready (status %d)", code), start}
	case isUnexpected(err):
		return c.notKubernetes(fmt.Sprintf("its answer has the status %d and is none of Kubernetes", code))
	case code == http.StatusUnauthorized:
		return &Pending{c.name(), "it does not accept the credentials (status 401)", "it may still be starting; else replace those in " + c.source}
	case code == http.StatusForbidden:
		return &Pending{"rights at " + c.name(), oneLine(err.Error()),
			"it may still be starting; else engine-apiserver register --kubeconfig ADMIN-KUBECONFIG grants them"}
	}
	return &Pending{c.name(), oneLine(err.Error()), start}
}

func (c *client) notKubernetes(reason string) error {
	return fmt.Errorf("%s is not a Kubernetes API server: %s: correct the address in %s", c.url, reason, c.source)
}

// isUnexpected says whether an answer was no Status object.
func isUnexpected(err error) bool {
	return apierrors.HasStatusCause(err, metav1.CauseTypeUnexpectedServerResponse)
}

// noKubernetes says why a failed request did not reach an API server, nothing if it may have.
func noKubernetes(err error) string {
	var record tls.RecordHeaderError
	switch {
	case errors.As(err, &record), strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"):
		return "it does not speak TLS"
	case strings.Contains(err.Error(), "malformed HTTP"):
		return "it does not speak HTTP"
	}
	return ""
}

// transportReason says why there is no answer, the same each time.
func transportReason(ctx context.Context, err error) string {
	var operation *net.OpError
	var request *url.Error
	var timeout net.Error
	switch {
	case ctx.Err() != nil, errors.As(err, &timeout) && timeout.Timeout():
		return fmt.Sprintf("no answer within %s", checkTimeout)
	case errors.As(err, &operation):
		return operation.Err.Error()
	case errors.As(err, &request):
		return oneLine(request.Err.Error())
	}
	return oneLine(err.Error())
}
