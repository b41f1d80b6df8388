// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package containers

import (
	"testing"

	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/dockertest"
)

func TestTheSignalOfAnotherContainerIsNotWaitedFor(t *testing.T) {
	var s signals
	sent, forget := s.await(dockertest.IDA)
	s.sent(dockertest.IDB)
	select {
	case <-sent:
		t.Error("the wait ended at the signal of another container")
	default:
	}
	again, forgetAgain := s.await(dockertest.IDA)
	s.sent(dockertest.IDA)
	<-sent
	<-again
	forget()
	forgetAgain()
	_, forget = s.await(dockertest.IDA)
	forget()
	if len(s.waiting) != 0 {
		t.Errorf("still waiting: %v", s.waiting)
	}
}
