// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

// Package controlplane runs private Kubernetes control planes for tests: an etcd, a kube-apiserver and, on request, a few
// controllers. `make kubernetes` builds the programs. The tests find them in $KUBERNETES_BIN, by default bin/kubernetes.
package controlplane

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/rancher-sandbox/engine-apiserver/test/freeport"
)

const (
	// startTimeout is how long a program may take to start on a loaded machine.
	startTimeout = 3 * time.Minute
	// portAttempts is how often a start is tried when another program takes the free port first.
	portAttempts = 5
	// portInUse is in the log of a program whose port another program has taken.
	portInUse = "address already in use"
)

// ControlPlane is a private Kubernetes control plane.
type ControlPlane struct {
	dir, bin string
	cleaner  *cleaner
	options  options
	keys     *keys
	url      string
	admin    string // path of a kubeconfig

	etcd, apiServer, controllers *process
	etcdURL                      string
}

// Option changes how a control plane is started.
type Option func(*options)

type options struct {
	apiServerArgs     []string
	controllers       bool
	sharedCredentials bool
}

// APIServerArgs adds arguments to the command line of kube-apiserver.
func APIServerArgs(args ...string) Option {
	return func(o *options) { o.apiServerArgs = append(o.apiServerArgs, args...) }
}

// Controllers also runs the controllers of namespaces, garbage collection, service accounts and aggregated roles. Each has
// a service account of its own, as in most clusters.
func Controllers() Option {
	return func(o *options) { o.controllers = true }
}

// SharedCredentials makes all controllers use the user system:kube-controller-manager.
func SharedCredentials() Option {
	return func(o *options) { o.sharedCredentials = true }
}

// Main runs the tests of m, a *testing.M or a wrapper of one, and returns their exit code. While they run, *c is a new
// control plane.
func Main(m interface{ Run() int }, c **ControlPlane, opts ...Option) int {
	return run(m, c, func() (*ControlPlane, error) { return Start(opts...) })
}

// MainEmbedded is like Main, but runs the example test/embedded.
func MainEmbedded(m interface{ Run() int }, c **ControlPlane, args ...string) int {
	return run(m, c, func() (*ControlPlane, error) { return StartEmbedded(args...) })
}

func run(m interface{ Run() int }, c **ControlPlane, start func() (*ControlPlane, error)) int {
	started, err := start()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	*c = started
	code := m.Run()
	if code != 0 {
		started.printLogs(os.Stderr)
	}
	if err := started.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

// Start starts a control plane and waits until it is ready.
func Start(opts ...Option) (c *ControlPlane, err error) {
	err = withFreePort(func() error {
		prepared, err := Prepare(opts...)
		if err != nil {
			return err
		}
		if err := prepared.StartAPIServer(); err != nil {
			return errors.Join(err, prepared.Stop())
		}
		c = prepared
		return nil
	})
	return c, err
}

// StartEmbedded runs the example test/embedded, which brings its own store, and waits until it is ready.
func StartEmbedded(args ...string) (c *ControlPlane, err error) {
	err = withFreePort(func() error {
		prepared, err := newControlPlane()
		if err != nil {
			return err
		}
		if err := prepared.startEmbedded(args); err != nil {
			return errors.Join(err, prepared.Stop())
		}
		c = prepared
		return nil
	})
	return c, err
}

func (c *ControlPlane) startEmbedded(args []string) error {
	data := filepath.Join(c.dir, "data")
	c.admin = filepath.Join(data, "kubeconfig")
	args = append(append([]string{"--data-dir", data, "--secure-port", c.port()}, c.trust()...), args...)
	var err error
	if c.apiServer, err = c.run("embedded", args...); err != nil {
		return err
	}
	return c.apiServer.await(c.ready)
}

// Prepare is like Start, but for tests of a control plane that starts late. Its address and its users are known, and
// nothing listens at the address until StartAPIServer.
func Prepare(opts ...Option) (*ControlPlane, error) {
	c, err := newControlPlane(opts...)
	if err != nil {
		return nil, err
	}
	if c.admin, err = c.Kubeconfig("admin", "system:masters"); err == nil {
		err = c.startEtcd()
	}
	if err != nil {
		return nil, errors.Join(err, c.Stop())
	}
	return c, nil
}

// newControlPlane makes the keys and chooses the address. It starts no program of the control plane.
func newControlPlane(opts ...Option) (*ControlPlane, error) {
	c := &ControlPlane{}
	for _, opt := range opts {
		opt(&c.options)
	}
	var err error
	if c.bin, err = binaries(); err != nil {
		return nil, err
	}
	port, err := freeport.On("127.0.0.1")
	if err != nil {
		return nil, err
	}
	c.url = fmt.Sprintf("https://127.0.0.1:%d", port)
	if c.dir, err = os.MkdirTemp("", "controlplane-"); err != nil {
		return nil, fmt.Errorf("making a directory for the control plane: %w", err)
	}
	if c.cleaner, err = startCleaner(c.dir); err != nil {
		return nil, errors.Join(err, os.RemoveAll(c.dir))
	}
	if c.keys, err = newKeys(c.dir); err != nil {
		return nil, errors.Join(fmt.Errorf("making the control plane's certificates: %w", err), c.Stop())
	}
	return c, nil
}

// binaries returns the directory of the Kubernetes programs.
func binaries() (string, error) {
	dir := os.Getenv("KUBERNETES_BIN")
	if dir == "" {
		_, file, _, _ := runtime.Caller(0)
		dir = filepath.Join(filepath.Dir(file), "..", "..", "bin", "kubernetes")
	}
	for _, program := range []string{"etcd", "kube-apiserver", "controllers", "embedded"} {
		if _, err := os.Stat(filepath.Join(dir, program)); err != nil {
			return "", fmt.Errorf("finding the programs of a Kubernetes control plane: %w: build them with `make kubernetes`", err)
		}
	}
	return dir, nil
}

// URL returns the address of kube-apiserver.
func (c *ControlPlane) URL() string { return c.url }

// Dir returns the directory of the control plane's keys, logs and data.
func (c *ControlPlane) Dir() string { return c.dir }

// Admin returns the path of a kubeconfig for a member of system:masters.
func (c *ControlPlane) Admin() string { return c.admin }

// Client returns a client with the credentials of a kubeconfig and without a client-side rate limit.
func Client(kubeconfig string) (kubernetes.Interface, error) {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, err
	}
	config.QPS = -1
	return kubernetes.NewForConfig(config)
}

func (c *ControlPlane) startEtcd() error {
	return withFreePort(func() error {
		client, err := freeport.On("127.0.0.1")
		if err != nil {
			return err
		}
		peer, err := freeport.On("127.0.0.1")
		if err != nil {
			return err
		}
		c.etcdURL = fmt.Sprintf("http://127.0.0.1:%d", client)
		peerURL := fmt.Sprintf("http://127.0.0.1:%d", peer)
		c.etcd, err = c.run("etcd",
			"--data-dir", filepath.Join(c.dir, "etcd"),
			"--listen-client-urls", c.etcdURL, "--advertise-client-urls", c.etcdURL,
			"--listen-peer-urls", peerURL, "--initial-advertise-peer-urls", peerURL, "--initial-cluster", "default="+peerURL,
			"--unsafe-no-fsync", "--log-level", "warn")
		if err != nil {
			return err
		}
		if err := c.etcd.await(func(ctx context.Context) error { return healthy(ctx, c.etcdURL+"/health") }); err != nil {
			return errors.Join(err, c.etcd.stop())
		}
		return nil
	})
}

// StartAPIServer starts kube-apiserver, waits until it is ready, and starts the controllers if there are any.
func (c *ControlPlane) StartAPIServer() error {
	args := append([]string{
		"--etcd-servers", c.etcdURL,
		"--bind-address", "127.0.0.1", "--secure-port", c.port(),
		"--tls-cert-file", c.keys.certificate("apiserver"), "--tls-private-key-file", c.keys.key("apiserver"),
		"--authorization-mode", "RBAC",
		"--service-account-issuer", "https://kubernetes.default.svc",
		"--service-account-signing-key-file", c.keys.key("service-account"), "--service-account-key-file", c.keys.key("service-account"),
		"--service-cluster-ip-range", "10.0.0.0/24",
	}, c.trust()...)
	var err error
	if c.apiServer, err = c.run("kube-apiserver", append(args, c.options.apiServerArgs...)...); err != nil {
		return err
	}
	if err := c.apiServer.await(c.ready); err != nil || !c.options.controllers {
		return err
	}
	return c.startControllers()
}

// trust returns the flags of an API server with the authorities that it trusts, and with its own client certificate for
// aggregated servers.
func (c *ControlPlane) trust() []string {
	return []string{
		"--client-ca-file", c.keys.certificate("ca"),
		"--requestheader-client-ca-file", c.keys.certificate("front-proxy-ca"), "--requestheader-allowed-names", "front-proxy-client",
		"--requestheader-username-headers", "X-Remote-User", "--requestheader-group-headers", "X-Remote-Group",
		"--requestheader-uid-headers", "X-Remote-Uid", "--requestheader-extra-headers-prefix", "X-Remote-Extra-",
		"--proxy-client-cert-file", c.keys.certificate("front-proxy-client"), "--proxy-client-key-file", c.keys.key("front-proxy-client"),
	}
}

func (c *ControlPlane) port() string { return c.url[strings.LastIndexByte(c.url, ':')+1:] }

func (c *ControlPlane) ready(ctx context.Context) error {
	client, err := Client(c.admin)
	if err != nil {
		return err
	}
	return client.Discovery().RESTClient().Get().AbsPath("/readyz").Do(ctx).Error()
}

func (c *ControlPlane) startControllers() error {
	kubeconfig, err := c.Kubeconfig("system:kube-controller-manager")
	if err != nil {
		return err
	}
	c.controllers, err = c.run("controllers", "--kubeconfig", kubeconfig,
		fmt.Sprintf("--use-service-account-credentials=%t", !c.options.sharedCredentials))
	return err
}

// printLogs prints the end of each program's log.
func (c *ControlPlane) printLogs(out io.Writer) {
	for _, p := range []*process{c.etcd, c.apiServer, c.controllers} {
		if p != nil {
			fmt.Fprintf(out, "the log of %s ends:\n%s\n", p.name, p.tail())
		}
	}
}

// StopAPIServer stops the controllers and kube-apiserver. Their data stays.
func (c *ControlPlane) StopAPIServer() error {
	err := errors.Join(c.controllers.stop(), c.apiServer.stop())
	c.controllers, c.apiServer = nil, nil
	return err
}

// Stop stops the control plane and removes its directory.
func (c *ControlPlane) Stop() error {
	// Stop etcd last, because kube-apiserver would wait for it.
	return errors.Join(c.StopAPIServer(), c.etcd.stop(), c.cleaner.clean())
}

// withFreePort calls start again if another program has taken the free port first, portAttempts times in all.
func withFreePort(start func() error) error {
	for attempt := 1; ; attempt++ {
		err := start()
		if err == nil || attempt == portAttempts || !strings.Contains(err.Error(), portInUse) {
			return err
		}
	}
}
