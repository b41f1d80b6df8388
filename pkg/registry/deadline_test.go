// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package registry

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

func TestARequestKeepsTimeForItsAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for timeout, kept := range map[time.Duration]time.Duration{34 * time.Second: time.Second, 2 * time.Second: time.Second / 2, time.Second / 10: time.Second / 40} {
			request, cancelRequest := context.WithTimeout(t.Context(), timeout)
			defer cancelRequest()
			call, cancel := withTimeToAnswer(request)
			defer cancel()
			end, _ := request.Deadline()
			if got, ok := call.Deadline(); !ok || end.Sub(got) != kept {
				t.Errorf("a timeout of %s keeps %s for the answer", timeout, end.Sub(got))
			}
		}
	})
}

func TestARequestWithoutADeadlineHasAllTheTime(t *testing.T) {
	call, cancel := withTimeToAnswer(t.Context())
	defer cancel()
	if deadline, ok := call.Deadline(); ok {
		t.Errorf("the context ends at %s", deadline)
	}
}
