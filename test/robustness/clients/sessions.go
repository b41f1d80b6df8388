// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package clients

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/portforward"
	"k8s.io/client-go/tools/remotecommand"
	"k8s.io/client-go/transport/spdy"
	clientexec "k8s.io/client-go/util/exec"
	"k8s.io/streaming/pkg/httpstream"

	"github.com/rancher-sandbox/engine-apiserver/pkg/cmd/plugin/cutoff"
	"github.com/rancher-sandbox/engine-apiserver/test/engine"
	"github.com/rancher-sandbox/engine-apiserver/test/robustness/history"
	"github.com/rancher-sandbox/engine-apiserver/test/streamclient"
)

// executors are the ways in which client-go runs commands.
var executors = map[string]func(*rest.Config, *url.URL) (remotecommand.Executor, error){
	"WebSocket": streamclient.Executors["WebSocket by GET"],
	"SPDY": func(config *rest.Config, u *url.URL) (remotecommand.Executor, error) {
		transport, upgrader, err := spdy.RoundTripperFor(config)
		if err != nil {
			return nil, err
		}
		return remotecommand.NewSPDYExecutorForTransports(transport, cutoff.Upgrader{Upgrader: upgrader}, http.MethodPost, u)
	},
}

// counting returns a command that writes numbered lines, and pauses now and then, and what it writes to both outputs.
func counting(lines, exitCode int) (command []string, stdout, stderr string) {
	var out, errOut strings.Builder
	for i := 1; i <= lines; i++ {
		fmt.Fprintln(&out, i)
		if i%10 == 0 {
			fmt.Fprintf(&errOut, "error %d\n", i)
		}
	}
	script := fmt.Sprintf(`i=0; while [ $i -lt %d ]; do i=$((i+1)); echo $i; [ $((i%%10)) != 0 ] || echo error $i >&2; `+
		`[ $((i%%100)) != 0 ] || sleep 0.1; done; exit %d`, lines, exitCode)
	return []string{"sh", "-c", script}, out.String(), errOut.String()
}

// text returns numbered lines, up to 500 KB of them.
func (c *Client) text() string {
	var text strings.Builder
	for i := range 1 + c.Random.IntN(50_000) {
		fmt.Fprintln(&text, i)
	}
	return text.String()
}

// session is a session that is about to begin.
type session struct {
	history.Stream
	protocol, subresource string
	query                 url.Values
	stdin                 io.Reader
}

// have has a session, and records it. The outputs of the stream are stdout and stderr.
func (c *Client) have(ctx context.Context, s *Stage, session session) error {
	got := []*output{{}, {}}
	streams := remotecommand.StreamOptions{Stdin: session.stdin, Stdout: got[0]}
	if len(session.Outputs) > 1 {
		streams.Stderr = got[1]
	}
	for name, is := range map[string]bool{"stdin": streams.Stdin != nil, "stdout": true, "stderr": streams.Stderr != nil} {
		if is {
			session.query.Set(name, "true")
		}
	}
	session.Kind, session.Run = session.subresource+" over "+session.protocol, c.Run()
	u := c.API.RESTClient().Get().Namespace(c.Namespace).Resource("containers").Name(session.Container).SubResource(session.subresource).URL()
	u.RawQuery = session.query.Encode()
	executor, err := executors[session.protocol](s.config, u)
	if err != nil {
		return err
	}
	err = executor.StreamWithContext(ctx, streams)
	if exit := (clientexec.CodeExitError{}); errors.As(err, &exit) {
		session.ExitCode, err = exit.Code, nil
	}
	for i := range session.Outputs {
		session.Outputs[i].Delivered = got[i].String()
	}
	c.stream(session.Stream, err)
	return err
}

// execOver runs a command that writes to both outputs.
func execOver(protocol string) func(*Client, context.Context, *Stage) error {
	return func(c *Client, ctx context.Context, s *Stage) error {
		name, err := s.worker(ctx)
		if err != nil {
			return err
		}
		code := c.Random.IntN(3)
		command, stdout, stderr := counting(1+c.Random.IntN(3000), code)
		return c.have(ctx, s, session{
			Stream: history.Stream{Container: name, WantedCode: code, Outputs: []history.Output{{Written: stdout}, {Written: stderr}}}, protocol: protocol,
			subresource: "exec", query: url.Values{"command": command},
		})
	}
}

// catOver runs a command that sends back its input.
func catOver(protocol string) func(*Client, context.Context, *Stage) error {
	return func(c *Client, ctx context.Context, s *Stage) error {
		name, err := s.worker(ctx)
		if err != nil {
			return err
		}
		text := c.text()
		return c.have(ctx, s, session{
			Stream: history.Stream{Container: name, Outputs: []history.Output{{Written: text}}}, protocol: protocol,
			subresource: "exec", query: url.Values{"command": {"cat"}}, stdin: strings.NewReader(text),
		})
	}
}

// attachOver attaches to a container that sends back its input, and then ends.
func attachOver(protocol string) func(*Client, context.Context, *Stage) error {
	return func(c *Client, ctx context.Context, s *Stage) error {
		const code = 3
		config, name := engine.Config("sh", "-c", fmt.Sprintf("cat; exit %d", code)), s.newName()
		config.OpenStdin, config.StdinOnce = true, true
		if err := s.run(ctx, name, config, nil); err != nil {
			return err
		}
		text := c.text()
		return c.have(ctx, s, session{
			Stream: history.Stream{Container: name, WantedCode: code, Outputs: []history.Output{{Written: text}}}, protocol: protocol,
			subresource: "attach", query: url.Values{}, stdin: strings.NewReader(text),
		})
	}
}

// copyOver copies a file from a container.
func copyOver(protocol string) func(*Client, context.Context, *Stage) error {
	return func(c *Client, ctx context.Context, s *Stage) error {
		name, err := s.worker(ctx)
		if err != nil {
			return err
		}
		want, err := s.archiveOf(ctx, name)
		if err != nil {
			return err
		}
		return c.have(ctx, s, session{
			Stream: history.Stream{Container: name, Outputs: []history.Output{{Written: want}}}, protocol: protocol,
			subresource: "archive", query: url.Values{"path": {archived}},
		})
	}
}

var errPortClosed = errors.New("the end of a connection to a port does not say whether it is complete")

// forwardOver sends text to a port that sends it back. The end of a connection does not say whether it is complete, so
// only the order is checked.
func forwardOver(protocol string) func(*Client, context.Context, *Stage) error {
	return func(c *Client, ctx context.Context, s *Stage) error {
		name, err := s.worker(ctx)
		if err != nil {
			return err
		}
		u := c.API.RESTClient().Get().Namespace(c.Namespace).Resource("containers").Name(name).SubResource("portforward").URL()
		dialer, err := streamclient.Dialers[protocol](s.config, u)
		if err != nil {
			return err
		}
		stream := history.Stream{Kind: "portforward over " + protocol, Container: name, Run: c.Run(), Outputs: []history.Output{{Written: c.text()}}}
		conn, _, err := dialer.Dial(portforward.PortForwardProtocolV1Name)
		if err != nil {
			return err
		}
		exchanged := make(chan error, 1)
		go func() {
			got, err := exchange(conn, stream.Outputs[0].Written)
			stream.Outputs[0].Delivered = got
			exchanged <- err
		}()
		select {
		case err = <-exchanged:
			conn.Close()
			c.stream(stream, errors.Join(errPortClosed, err))
			return err
		case <-ctx.Done():
			conn.Close() // a stream that is being created waits for half a minute nevertheless
			return nil
		}
	}
}

// exchange sends text to the port that sends it back, and returns what comes.
func exchange(conn httpstream.Connection, text string) (string, error) {
	header := http.Header{}
	header.Set(corev1.PortHeader, strconv.Itoa(echoPort))
	header.Set(corev1.PortForwardRequestIDHeader, "0")
	header.Set(corev1.StreamType, corev1.StreamTypeError)
	errorStream, err := conn.CreateStream(header)
	if err != nil {
		return "", err
	}
	defer errorStream.Reset()
	header.Set(corev1.StreamType, corev1.StreamTypeData)
	data, err := conn.CreateStream(header)
	if err != nil {
		return "", err
	}
	defer data.Reset()
	go func() {
		_, _ = io.WriteString(data, text)
		_ = data.Close()
	}()
	got, err := io.ReadAll(data)
	return string(got), err
}
