// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package connection

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/docker/cli/cli/config"
	"github.com/docker/cli/cli/config/configfile"
	dockercontext "github.com/docker/cli/cli/context"
	contextdocker "github.com/docker/cli/cli/context/docker"
	"github.com/docker/cli/cli/context/store"
	"github.com/docker/cli/opts"
	"github.com/docker/docker/client"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

const (
	defaultContext = "default"
	contextEnv     = "DOCKER_CONTEXT"
	tlsEnv         = "DOCKER_TLS"

	idleConnections = 16
	idleTimeout     = 90 * time.Second
	// readBuffer is how much of what the engine sends is read at once if it comes in small pieces, as the lines of a log do.
	// Larger pieces go past the buffer.
	readBuffer = 16 << 10
	// writeBuffer holds a piece of an archive that is sent to the engine, with its header.
	writeBuffer = 33 << 10
)

// Endpoint is where the engine is, and how to reach it.
type Endpoint struct {
	docker  contextdocker.Endpoint
	context string
	headers map[string]string
	access  Access
}

// Resolve finds the endpoint in the same order as the docker command does: the host argument, $DOCKER_HOST,
// $DOCKER_CONTEXT, the current context, the platform's default. access is what connections to it may be used for.
func Resolve(host string, access Access) (*Endpoint, error) {
	file, err := config.Load(config.Dir())
	if err != nil {
		return nil, fmt.Errorf("reading the docker command's configuration: %w", err)
	}
	name := contextName(host, file)
	e := &Endpoint{headers: file.HTTPHeaders, context: name, access: access}
	if name == defaultContext {
		e.docker, err = defaultEndpoint(host)
	} else {
		e.docker, err = contextEndpoint(name)
	}
	if err != nil {
		return nil, err
	}
	if _, _, err := e.client(); err != nil {
		return nil, fmt.Errorf("container engine %s: %w", e, err)
	}
	return e, nil
}

func contextName(host string, file *configfile.ConfigFile) string {
	switch {
	case host != "" || os.Getenv(client.EnvOverrideHost) != "":
		return defaultContext
	case os.Getenv(contextEnv) != "":
		return os.Getenv(contextEnv)
	case file.CurrentContext != "":
		return file.CurrentContext
	}
	return defaultContext
}

func contextEndpoint(name string) (contextdocker.Endpoint, error) {
	contexts := store.New(config.ContextStoreDir(), store.NewConfig(
		func() any { return &map[string]any{} },
		store.EndpointTypeGetter(contextdocker.DockerEndpoint, func() any { return &contextdocker.EndpointMeta{} }),
	))
	metadata, err := contexts.GetMetadata(name)
	if err != nil {
		return contextdocker.Endpoint{}, fmt.Errorf("docker context %q cannot be used (docker context ls lists the usable ones; --docker-host needs no context): %w", name, err)
	}
	meta, err := contextdocker.EndpointFromContext(metadata)
	if err != nil {
		return contextdocker.Endpoint{}, fmt.Errorf("docker context %q: %w", name, err)
	}
	if err := checkScheme(fmt.Sprintf("docker context %q: the host", name), meta.Host); err != nil {
		return contextdocker.Endpoint{}, err
	}
	endpoint, err := contextdocker.WithTLSData(contexts, name, meta)
	if err != nil {
		return contextdocker.Endpoint{}, fmt.Errorf("docker context %q: %w", name, err)
	}
	return endpoint, nil
}

func defaultEndpoint(host string) (contextdocker.Endpoint, error) {
	source := "docker host"
	if host == "" {
		host, source = os.Getenv(client.EnvOverrideHost), "$"+client.EnvOverrideHost
	}
	if err := checkScheme(source, host); err != nil {
		return contextdocker.Endpoint{}, err
	}
	verify := os.Getenv(client.EnvTLSVerify) != ""
	useTLS := verify || os.Getenv(tlsEnv) != ""
	parsed, err := opts.ParseHost(useTLS, host)
	if err != nil {
		return contextdocker.Endpoint{}, fmt.Errorf("docker host %q is not an address such as unix:///var/run/docker.sock, tcp://host:2376 or ssh://user@host", withoutSecrets(host))
	}
	e := contextdocker.Endpoint{EndpointMeta: contextdocker.EndpointMeta{Host: parsed}}
	if useTLS && !isLocal(parsed) {
		e.SkipTLSVerify = !verify
		if e.TLSData, err = tlsData(); err != nil {
			return contextdocker.Endpoint{}, fmt.Errorf("reading the certificates for %s: %w", withoutSecrets(parsed), err)
		}
	}
	return e, nil
}

// tlsData reads the certificates in $DOCKER_CERT_PATH. Only the client's own certificate and key may be missing.
func tlsData() (*dockercontext.TLSData, error) {
	dir := os.Getenv(client.EnvOverrideCertPath)
	if dir == "" {
		dir = config.Dir()
	}
	optional := func(name string) string {
		path := filepath.Join(dir, name)
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			return ""
		}
		return path
	}
	return dockercontext.TLSDataFromFiles(filepath.Join(dir, "ca.pem"), optional("cert.pem"), optional("key.pem"))
}

func isLocal(host string) bool {
	scheme, _, _ := strings.Cut(host, "://")
	return scheme == "unix" || scheme == "npipe" || scheme == "fd"
}

// String returns the endpoint as messages show it.
func (e *Endpoint) String() string {
	host := withoutSecrets(e.docker.Host)
	if e.context != defaultContext {
		return fmt.Sprintf("%s (docker context %s)", host, e.context)
	}
	return host
}

// Host returns the address alone, without secrets.
func (e *Endpoint) Host() string { return withoutSecrets(e.docker.Host) }

// isHere reports whether the engine shares the networks of this host. On other systems than Linux a local socket or pipe leads
// into a virtual machine.
func (e *Endpoint) isHere() bool {
	return runtime.GOOS == "linux" && strings.HasPrefix(e.docker.Host, unixScheme)
}

// hostName returns the name of the engine's host, which is localhost for a local socket or pipe.
func (e *Endpoint) hostName() string {
	if isLocal(e.docker.Host) {
		return "localhost"
	}
	if parsed, err := url.Parse(e.docker.Host); err == nil && parsed.Hostname() != "" {
		return parsed.Hostname()
	}
	return "localhost"
}

// withoutSecrets drops the password from an address. From a text that is not an address, it drops everything that might
// be a password.
func withoutSecrets(host string) string {
	scheme, rest, found := strings.Cut(host, "://")
	at := strings.LastIndex(rest, "@")
	if !found || at < 0 {
		if i := strings.LastIndex(host, "@"); i >= 0 {
			return host[i+1:]
		}
		return host
	}
	user, _, _ := strings.Cut(rest[:at], ":")
	return scheme + "://" + user + rest[at:]
}

// client returns a new client and the guarded transport by which it sends its requests. Every connection gets its own client, because a client
// negotiates the API version only once.
func (e *Endpoint) client() (*client.Client, *http.Transport, error) {
	options, err := e.docker.ClientOpts()
	if err != nil {
		return nil, nil, errors.New(withoutPassword(err, e.docker.Host))
	}
	var transport *http.Transport
	options = append(options, client.WithHTTPHeaders(e.headers), func(c *client.Client) error {
		var ok bool
		if transport, ok = c.HTTPClient().Transport.(*http.Transport); !ok {
			return fmt.Errorf("unexpected transport %T", c.HTTPClient().Transport)
		}
		transport.MaxIdleConns = idleConnections
		transport.MaxIdleConnsPerHost = idleConnections
		transport.IdleConnTimeout = idleTimeout
		transport.ReadBufferSize = readBuffer
		transport.WriteBufferSize = writeBuffer
		return useOnlyFor(c, transport)
	})
	c, err := client.NewClientWithOpts(options...)
	if err != nil {
		return nil, nil, errors.New(withoutPassword(err, e.docker.Host))
	}
	guard, err := newGuard(c, e.access)
	if err != nil {
		return nil, nil, errors.New(withoutPassword(err, e.docker.Host))
	}
	guard.protect(transport)
	return c, transport, nil
}

func withoutPassword(err error, host string) string {
	return strings.ReplaceAll(err.Error(), host, withoutSecrets(host))
}

// CheckAccess fails if the engine's socket exists and this user may not use it. Waiting does not fix that.
func (e *Endpoint) CheckAccess(ctx context.Context) error {
	path, found := strings.CutPrefix(e.docker.Host, unixScheme)
	if !found {
		return nil
	}
	conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "unix", path)
	if err == nil {
		return conn.Close()
	}
	if errors.Is(err, fs.ErrPermission) {
		return e.Explain(err)
	}
	return nil
}

// Explain says what is wrong with the connection, and how to fix it if there is a way. It returns an error that was
// explained before as it is.
func (e *Endpoint) Explain(err error) error {
	path, isUnix := strings.CutPrefix(e.docker.Host, unixScheme)
	fault := e.tlsFault(err)
	switch {
	case apierrors.IsServiceUnavailable(err):
		return err
	case fault != nil:
		return fault
	case isUnix && errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("no permission to use the container engine's socket %s: add yourself to the docker group or choose --docker-host", path)
	case isUnix && (errors.Is(err, fs.ErrNotExist) || strings.Contains(err.Error(), "Cannot connect to the Docker daemon")):
		return fmt.Errorf("no container engine listens on %s%s", e, noSocket(path))
	case strings.Contains(err.Error(), "Cannot connect to the Docker daemon"):
		return fmt.Errorf("no container engine answers at %s", e)
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("the container engine at %s did not answer in time", e)
	}
	if cause := (*url.Error)(nil); errors.As(err, &cause) {
		err = cause.Err
	}
	return fmt.Errorf("the container engine at %s is not available: %s", e, strings.Join(strings.Fields(withoutPassword(err, e.docker.Host)), " "))
}
