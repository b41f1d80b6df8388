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
	// checkTimeout bounds all requests of one check together.
	checkTimeout = 5 * time.Second
	// maxPause is the longest pause between two checks, before jitter. With jitter it stays below two seconds.
	maxPause = 1800 * time.Millisecond
)

// Pending is an error that may go away by itself.
type Pending struct {
	What, Why, Remedy string
}

// Error implements error.
func (p *Pending) Error() string { return fmt.Sprintf("%s: %s; %s", p.What, p.Why, p.Remedy) }

// Wait repeats check while it returns a Pending error. It reports a Pending error when it differs from the one before. It
// returns the first other result of check, or the error of ctx.
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

// classify returns a Pending error if the error of a request may go away by itself. Otherwise it returns an error that says
// what to do.
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
		return c.notKubernetes(fmt.Sprintf("it answers with status %d, but without a Kubernetes Status object", code))
	case code == http.StatusUnauthorized:
		return &Pending{c.name(), "it does not accept the credentials (status 401)", "it may still be starting; otherwise replace the credentials in " + c.source}
	case code == http.StatusForbidden:
		return &Pending{"rights at " + c.name(), oneLine(err.Error()),
			"it may still be starting; otherwise grant the rights with engine-apiserver register --kubeconfig ADMIN-KUBECONFIG"}
	}
	return &Pending{c.name(), oneLine(err.Error()), start}
}

func (c *client) notKubernetes(reason string) error {
	return fmt.Errorf("%s is not a Kubernetes API server: %s: correct the address in %s", c.url, reason, c.source)
}

// isUnexpected reports whether an answer held no Status object.
func isUnexpected(err error) bool {
	return apierrors.HasStatusCause(err, metav1.CauseTypeUnexpectedServerResponse)
}

// noKubernetes returns why a failed request did not reach an API server, or "" if it may have reached one.
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

// transportReason returns why there is no answer. The same reason always has the same text, so that Wait reports it once.
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
