// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

// Package desktop tells the control planes of desktop programs about a server. Such a control plane has a ConfigMap with an
// entry for each program that serves beside it. It forwards requests for the logs of containers to the address in the entry,
// by plain HTTP and without the identity of the user.
package desktop

import (
	"fmt"
	"net/url"
	"strconv"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

const (
	// Namespace and Name are those of the ConfigMap.
	Namespace = "rdd-system"
	Name      = "rdd-controller-manager"
	// Key is the key of the server's entry.
	Key = v1alpha1.GroupName

	// controller is the name that desktop programs have for what serves containers, and logs the one of its endpoint.
	controller = "engine"
	logs       = "logs"
)

// Entry is the entry of a server. Desktop programs read it as JSON.
type Entry struct {
	HealthPort          int                 `json:"healthPort"`
	MetricsPort         int                 `json:"metricsPort"`
	EnabledControllers  []string            `json:"enabledControllers"`
	EnabledPassthroughs map[string][]string `json:"enabledPassthroughs"`
	StartTime           metav1.Time         `json:"startTime"`
	HealthEndpoint      string              `json:"healthEndpoint"`
	MetricsEndpoint     string              `json:"metricsEndpoint"`
	// PassthroughEndpoint is the address to which the control plane appends the path of a request, without the path's
	// first segment, which is passthrough.
	PassthroughEndpoint string `json:"passthroughEndpoint"`
}

// NewEntry returns the entry of a server. secure is its address, and plain that of its port without TLS, or empty if there is
// none.
func NewEntry(secure, plain string, started time.Time) (Entry, error) {
	reached, passthrough := plain, plain+"/"
	if plain == "" {
		reached, passthrough = secure, secure+prefix+"/"
	}
	e := Entry{
		EnabledControllers:  []string{controller},
		EnabledPassthroughs: map[string][]string{controller: {logs}},
		StartTime:           metav1.NewTime(started.UTC()),
		HealthEndpoint:      reached + "/livez",
		MetricsEndpoint:     secure + "/metrics",
		PassthroughEndpoint: passthrough,
	}
	var err error
	if e.HealthPort, err = portOf(reached); err != nil {
		return Entry{}, err
	}
	e.MetricsPort, err = portOf(secure)
	return e, err
}

func portOf(address string) (int, error) {
	parsed, err := url.Parse(address)
	if err != nil {
		return 0, err
	}
	port, err := strconv.Atoi(parsed.Port())
	if err != nil {
		return 0, fmt.Errorf("the port of %s: %w", address, err)
	}
	return port, nil
}
