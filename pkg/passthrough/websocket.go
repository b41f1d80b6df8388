// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package passthrough

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/websocket"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"
)

const (
	pingPeriod = 10 * time.Second
	// writeTimeout is how long a client may take to read one message. farewell is how long it may take to answer the end.
	writeTimeout = time.Minute
	farewell     = 5 * time.Second

	closeNormal        = 1000
	closeInternalError = 1011
	maxReason          = 123
)

// frames sends frames of one type.
func frames(kind byte) websocket.Codec {
	return websocket.Codec{Marshal: func(data any) ([]byte, byte, error) { return data.([]byte), kind, nil }}
}

var (
	messages = frames(websocket.BinaryFrame)
	pings    = frames(websocket.PingFrame)
	closes   = frames(websocket.CloseFrame)
)

// serve upgrades a request, and sends it the log, which ends when leave is called. It returns when the log or the client
// has ended.
func serve(w http.ResponseWriter, r *http.Request, log io.Reader, leave func(), clock clock.WithTicker) {
	if _, ok := w.(http.Hijacker); !ok {
		refuse(w, apierrors.NewBadRequest("this connection cannot become a WebSocket: use HTTP/1.1"))
		return
	}
	server := websocket.Server{
		Handshake: func(config *websocket.Config, _ *http.Request) error {
			config.Protocol = config.Protocol[:min(1, len(config.Protocol))]
			return nil
		},
		Handler: func(ws *websocket.Conn) { send(r.Context(), ws, log, leave, clock) },
	}
	server.ServeHTTP(w, r)
}

// send sends a log to a client, and a ping now and then. leave ends ctx and the log.
func send(ctx context.Context, ws *websocket.Conn, log io.Reader, leave func(), clock clock.WithTicker) {
	_ = ws.SetDeadline(time.Time{}) // the server's deadlines are not for streams
	var group sync.WaitGroup
	defer func() {
		leave()
		_ = ws.SetDeadline(time.Now()) // ends what still reads or writes
		group.Wait()
	}()
	// After the upgrade, only a read shows that the client has left.
	group.Go(func() {
		defer leave()
		_, _ = io.Copy(io.Discard, ws)
	})
	group.Go(func() {
		defer leave()
		ping(ctx, ws, clock)
	})

	err := forward(ws, log)
	if ctx.Err() != nil {
		return
	}
	code, reason := uint16(closeNormal), ""
	if err != nil {
		klog.FromContext(ctx).Info("The log of a container broke off", "path", ws.Request().URL.Path, "reason", err.Error())
		code, reason = closeInternalError, err.Error()
	}
	_ = closes.Send(ws, closeMessage(code, reason))
	_ = ws.SetDeadline(time.Now().Add(farewell))
	<-ctx.Done() // the client has answered or left, or takes too long
}

// forward sends a log as it comes. It returns nil if the log has ended.
func forward(ws *websocket.Conn, log io.Reader) error {
	buffer := make([]byte, bufferSize)
	for {
		n, err := log.Read(buffer)
		if n > 0 {
			_ = ws.SetWriteDeadline(time.Now().Add(writeTimeout))
			if err := messages.Send(ws, buffer[:n]); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// ping sends pings until ctx ends or the client cannot be reached.
func ping(ctx context.Context, ws *websocket.Conn, clock clock.WithTicker) {
	ticker := clock.NewTicker(pingPeriod)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C():
			_ = ws.SetWriteDeadline(time.Now().Add(writeTimeout))
			if err := pings.Send(ws, []byte{}); err != nil {
				return
			}
		case <-ctx.Done():
			return
		}
	}
}

// closeMessage returns the content of a close frame.
func closeMessage(code uint16, reason string) []byte {
	message := binary.BigEndian.AppendUint16(nil, code)
	return append(message, strings.ToValidUTF8(reason[:min(len(reason), maxReason)], "")...)
}
