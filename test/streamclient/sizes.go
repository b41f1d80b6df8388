// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package streamclient

import "k8s.io/client-go/tools/remotecommand"

// Sizes is a terminal whose sizes a test sends. It has no more sizes once it is closed.
type Sizes chan remotecommand.TerminalSize

// Next implements remotecommand.TerminalSizeQueue.
func (s Sizes) Next() *remotecommand.TerminalSize {
	size, ok := <-s
	if !ok {
		return nil
	}
	return &size
}
