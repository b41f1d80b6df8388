// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package streaming

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/rancher-sandbox/engine-apiserver/test/streamclient"
)

func TestAClientThatAsksWhyAPortIsClosedIsToldOnThatConnectionOnly(t *testing.T) {
	for name, newDialer := range streamclient.Dialers {
		t.Run(name, func(t *testing.T) {
			dialer, _ := echoes(t)
			server := serve(t, Config{}, func(s *Sessions, w http.ResponseWriter, r *http.Request) error {
				return s.Forward(w, r, "web", nil, true, dialer)
			})
			client, err := newDialer(server.config(), server.url())
			if err != nil {
				t.Fatal(err)
			}
			session, _, err := client.Dial("portforward.k8s.io")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { session.Close() })
			echo, _ := streamclient.Connect(t, session, echoPort, 0)
			exchange(t, streamConn{echo})
			for id := 1; id <= 5; id++ { // the streams of a connection share five queues
				data, errorStream := streamclient.Connect(t, session, closedPort, id)
				if told, err := io.ReadAll(errorStream); err != nil || !strings.HasSuffix(string(told), ": connection refused") {
					t.Errorf("told %q and %v", told, err)
				}
				if got, err := io.ReadAll(data); len(got) > 0 || err != nil {
					t.Errorf("got %q and %v of a closed port", got, err)
				}
				exchange(t, streamConn{echo})
			}
			other, _ := streamclient.Connect(t, session, echoPort, 6)
			exchange(t, streamConn{other})
		})
	}
}
