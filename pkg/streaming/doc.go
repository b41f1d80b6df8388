// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

// Package streaming has sessions with clients over upgraded connections: commands with their input, output and terminal
// size over WebSocket and SPDY, and ports over SPDY and over SPDY in WebSocket. It knows what Kubernetes' clients expect
// on the wire, and nothing of what stands behind a session: that is an Executor or a Dialer.
//
// Everything but three parts comes from k8s.io/streaming, k8s.io/cri-streaming and k8s.io/client-go. The three are the
// WebSocket server of commands, the collection of a command's SPDY streams, and the upgrade to SPDY in WebSocket. The server
// of cri-streaming does not speak v5.channel.k8s.io. The server of wsstream takes each frame of a fragmented message for a
// message, and holds messages of 32 MB in memory. While a process does not read its input, it sees neither resizes nor the
// end of the client. The tunnel of k8s.io/apiserver sends each message in three pieces.
package streaming
