// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package bench_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/rancher-sandbox/engine-apiserver/pkg/generated/clientset/versioned"
	typed "github.com/rancher-sandbox/engine-apiserver/pkg/generated/clientset/versioned/typed/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/test/freeport"
	"github.com/rancher-sandbox/engine-apiserver/test/testserver"
)

const (
	ourGroup  = "containers.rancherdesktop.io"
	namespace = testserver.Namespace
	patience  = 2 * time.Minute
)

// endpoint is an HTTP API. Its answers are read to their end but not decoded, so that the client needs the same time for each
// byte on every side.
type endpoint struct {
	client *http.Client
	base   string
}

// do sends a request and reads the answer.
func (e endpoint) do(ctx context.Context, method, path string, body []byte) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, method, e.base+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", "application/json")
	if len(body) > 0 {
		request.Header.Set("Content-Type", "application/json")
	}
	if method == http.MethodPatch {
		request.Header.Set("Content-Type", "application/merge-patch+json")
	}
	response, err := e.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode >= http.StatusBadRequest {
		err = fmt.Errorf("%s %s: %s: %s", method, path, response.Status, content)
	}
	return content, err
}

// get reads an answer and discards it.
func (e endpoint) get(ctx context.Context, path string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, e.base+path, nil)
	if err != nil {
		return err
	}
	request.Header.Set("Accept", "application/json")
	response, err := e.client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		content, _ := io.ReadAll(response.Body) // the status says enough without it
		return fmt.Errorf("GET %s: %s: %s", path, response.Status, content)
	}
	_, err = io.Copy(io.Discard, response.Body)
	return err
}

// cluster is an endpoint with the Kubernetes API, and the processes that serve it.
type cluster struct {
	endpoint
	group  string
	config *rest.Config
	pids   []int
}

// newCluster returns the endpoint that a kubeconfig leads to.
func newCluster(kubeconfig, group string, pids ...int) (*cluster, error) {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, err
	}
	config.QPS = -1
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		return nil, err
	}
	return &cluster{endpoint{client, strings.TrimSuffix(config.Host, "/")}, group, config, pids}, nil
}

// newClient returns a client with connections of its own.
func (c *cluster) newClient(tb testing.TB) *http.Client {
	tb.Helper()
	// client-go shares connections between equal configurations. A custom dialer prevents that.
	config := rest.CopyConfig(c.config)
	config.Dial = (&net.Dialer{}).DialContext
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(client.CloseIdleConnections)
	return client
}

// path returns the path of a resource, or of one object of it.
func (c *cluster) path(resource string, name ...string) string {
	path := "/apis/" + c.group + "/v1alpha1/namespaces/" + namespace + "/" + resource
	return strings.Join(append([]string{path}, name...), "/")
}

func (c *cluster) typed(tb testing.TB) typed.ContainersV1alpha1Interface {
	tb.Helper()
	clients, err := versioned.NewForConfig(c.config)
	if err != nil {
		tb.Fatal(err)
	}
	return clients.ContainersV1alpha1()
}

// program returns the server binary: that of -program, else a new build as for users.
func program(tb testing.TB) string {
	tb.Helper()
	if *binary != "" {
		return *binary
	}
	path := filepath.Join(tb.TempDir(), "engine-apiserver")
	build := exec.CommandContext(tb.Context(), "make", "-C", "../..", "server", "BINARY="+path)
	if output, err := build.CombinedOutput(); err != nil {
		tb.Fatalf("building the server: %v\n%s", err, output)
	}
	return path
}

// process is the server in a process of its own.
type process struct {
	*cluster
	command *exec.Cmd
	ended   chan error
}

// launch starts the server. It uses the certificates and the port of an earlier server with the same state directory.
func launch(tb testing.TB, program, host, stateDir string, port int, args ...string) *process {
	tb.Helper()
	p := &process{ended: make(chan error, 1)}
	args = append([]string{"serve", "--docker-host", host, "--secure-port", strconv.Itoa(port), "--state-dir", stateDir}, args...)
	if *profiles != "" {
		args = append(args, "--contention-profiling")
	}
	p.command = exec.Command(program, args...)
	p.command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	log, err := os.Create(filepath.Join(stateDir, "log"))
	if err != nil {
		tb.Fatal(err)
	}
	defer log.Close()
	p.command.Stdout, p.command.Stderr = log, log
	if err := p.command.Start(); err != nil {
		tb.Fatal(err)
	}
	go func() { p.ended <- p.command.Wait() }()
	tb.Cleanup(func() { p.stop(tb) })
	return p
}

// connect waits for the server's kubeconfig and makes a client from it.
func (p *process) connect(tb testing.TB, stateDir string) {
	tb.Helper()
	await(tb, func() (err error) {
		p.cluster, err = newCluster(filepath.Join(stateDir, "kubeconfig"), ourGroup, p.command.Process.Pid)
		return err
	})
}

// discovered waits until the server answers discovery.
func (p *process) discovered(tb testing.TB) {
	tb.Helper()
	await(tb, func() error { return p.get(tb.Context(), "/apis/"+ourGroup+"/v1alpha1") })
}

func freePort(tb testing.TB) int {
	tb.Helper()
	port, err := freeport.On("127.0.0.1")
	if err != nil {
		tb.Fatal(err)
	}
	return port
}

// stop ends the server as Ctrl-C does.
func (p *process) stop(tb testing.TB) {
	if p.command == nil {
		return
	}
	if p.cluster != nil {
		p.client.CloseIdleConnections()
	}
	err := p.command.Process.Signal(os.Interrupt)
	select {
	case waited := <-p.ended:
		err = errors.Join(err, waited)
	case <-time.After(patience):
		err = errors.Join(err, p.command.Process.Kill(), <-p.ended)
	}
	p.command = nil
	if err != nil {
		tb.Errorf("stopping the server: %v", err)
	}
}

// synced waits until all resources can be read.
func (p *process) synced(tb testing.TB) {
	tb.Helper()
	for _, resource := range []string{"containers", "images", "volumes"} {
		await(tb, func() error { return p.get(tb.Context(), p.path(resource)+"?limit=1") })
	}
}

// await repeats try until it succeeds.
func await(tb testing.TB, try func() error) {
	tb.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) { // shorter pauses would keep the server busy
		err := try()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			tb.Fatal(err)
		}
	}
}

// memory returns one kind of memory of the processes in bytes. VmRSS is all resident memory. RssAnon leaves out pages of the
// program's file, which the kernel can drop and share.
func (c *cluster) memory(tb testing.TB, kind string) float64 {
	tb.Helper()
	total := 0.0
	for _, pid := range c.pids {
		total += procField(tb, pid, "status", kind, 1) * 1024
	}
	return total
}

// cpu returns the processor time that the processes have used.
func (c *cluster) cpu(tb testing.TB) time.Duration {
	tb.Helper()
	ticks := 0.0
	for _, pid := range c.pids {
		// User and system time are the 12th and 13th word after the name, which is in parentheses.
		ticks += procField(tb, pid, "stat", ")", 12) + procField(tb, pid, "stat", ")", 13)
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}

// procField returns the n-th word after a given text in a /proc file of a process.
func procField(tb testing.TB, pid int, file, after string, n int) float64 {
	tb.Helper()
	content, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, file))
	if err != nil {
		tb.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(content), after)
	value, err := strconv.ParseFloat(strings.Fields(rest)[n-1], 64)
	if err != nil {
		tb.Fatal(err)
	}
	return value
}

// children returns the IDs of this process's children that run a program.
func children(tb testing.TB, name string) []int {
	tb.Helper()
	found, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		tb.Fatal(err)
	}
	var pids []int
	for _, path := range found {
		content, err := os.ReadFile(path)
		if err != nil {
			continue // the process has ended
		}
		pid, rest, _ := strings.Cut(string(content), " (")
		command, rest, _ := strings.Cut(rest, ") ")
		if fields := strings.Fields(rest); strings.HasPrefix(name, command) && fields[1] == strconv.Itoa(os.Getpid()) {
			number, err := strconv.Atoi(pid)
			if err != nil {
				tb.Fatal(err)
			}
			pids = append(pids, number)
		}
	}
	return pids
}
