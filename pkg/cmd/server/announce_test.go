// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package server

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/connection"
)

type fakeEngine struct {
	connected chan struct{}
	gap       error // the result of CheckSynced once connected is closed
}

func (f *fakeEngine) Connected() <-chan struct{} { return f.connected }

func (f *fakeEngine) CheckSynced() error {
	select {
	case <-f.connected:
		return f.gap
	default:
		return errors.New("no container engine listens on unix:///x")
	}
}

func (f *fakeEngine) Endpoint() string { return "unix:///x" }

func (f *fakeEngine) Version() connection.Version {
	return connection.Version{Product: "Podman Engine", Engine: "4.3.1"}
}

func TestTheUserIsToldWhereTheServerIsAndWhatItServes(t *testing.T) {
	const (
		try     = " Try: kubectl get ctr\n"
		at      = "engine-apiserver serves Podman Engine 4.3.1 (unix:///x) at https://127.0.0.1:1." + try
		without = "engine-apiserver serves at https://127.0.0.1:1, but no container engine listens on unix:///x: it keeps trying." + try
		later   = "engine-apiserver now serves Podman Engine 4.3.1 (unix:///x).\n"
		inPart  = "engine-apiserver serves Podman Engine 4.3.1 (unix:///x) at https://127.0.0.1:1, but volumes cannot be listed: it keeps trying." + try
	)
	for _, test := range []struct {
		after time.Duration
		gap   error
		want  string
	}{
		{time.Second, nil, at},
		{time.Second, errors.New("volumes cannot be listed"), inPart},
		{time.Minute, nil, without + later},
		{2 * time.Hour, nil, without},
	} {
		synctest.Test(t, func(t *testing.T) {
			var out bytes.Buffer
			engine := &fakeEngine{make(chan struct{}), test.gap}
			ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
			defer cancel()
			time.AfterFunc(test.after, func() { close(engine.connected) })
			(&announcer{out: &out, where: "at https://127.0.0.1:1", try: "kubectl get ctr", engine: engine}).announce(ctx)
			if out.String() != test.want {
				t.Errorf("connected after %s:\n%s\nwant\n%s", test.after, out.String(), test.want)
			}
		})
	}
}

func TestOnlyWarningsAndErrorsAreLoggedUnlessMoreIsAskedFor(t *testing.T) {
	var out bytes.Buffer
	for _, entry := range []string{"I1123 info\n", "W1123 warning\n", "E1123 error\n", ""} {
		if n, err := (quiet{&out}).Write([]byte(entry)); err != nil || n != len(entry) {
			t.Errorf("%q: %d %v", entry, n, err)
		}
	}
	if out.String() != "W1123 warning\nE1123 error\n" {
		t.Errorf("%q", out.String())
	}
}
