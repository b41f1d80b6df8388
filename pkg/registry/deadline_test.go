// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package registry

import (
	"context"
	"testing"
	"time"
)

func TestARequestKeepsTimeForItsAnswer(t *testing.T) {
	for _, timeout := range []time.Duration{34 * time.Second, 2 * time.Second, 100 * time.Millisecond} {
		request, cancelRequest := context.WithTimeout(t.Context(), timeout)
		defer cancelRequest()
		call, cancel := withTimeToAnswer(request)
		defer cancel()
		end, _ := request.Deadline()
		got, ok := call.Deadline()
		if kept := end.Sub(got); !ok || kept <= 0 || kept > time.Second || kept > timeout/4 {
			t.Errorf("a timeout of %s keeps %s for the answer", timeout, kept)
		}
	}
}

func TestARequestWithoutADeadlineHasAllTheTime(t *testing.T) {
	call, cancel := withTimeToAnswer(t.Context())
	defer cancel()
	if deadline, ok := call.Deadline(); ok {
		t.Errorf("the context ends at %s", deadline)
	}
}
