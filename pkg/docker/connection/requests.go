// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package connection

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/docker/docker/client"
	"k8s.io/component-base/metrics"
	"k8s.io/component-base/metrics/legacyregistry"

	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/names"
)

// Request describes one form of request that the server may send to the engine.
type Request struct {
	// Access is the least access of a server that may send the request.
	Access Access
	Method string
	// Path is the path after the API version. One of its segments may be a placeholder, which is a key of segments.
	Path string
	// Query lists the parameters that the request may have.
	Query []string
	// Body says whether the request may have a body.
	Body Body
	// Why says what the request is for.
	Why string
}

// String returns the request as the documentation shows it.
func (r Request) String() string {
	text := r.Method + " " + r.Path
	if len(r.Query) > 0 {
		text += "?" + strings.Join(r.Query, "&")
	}
	return text
}

// Body is the form of a request's body.
type Body string

const (
	none   Body = ""
	inJSON Body = "application/json"
	// asTar is what Docker's client calls a tar archive.
	asTar Body = "text/plain"
)

// Allows reports whether the body of a request has this form, or is empty.
func (b Body) Allows(r *http.Request) bool {
	isEmpty := r.Body == nil || r.Body == http.NoBody
	return isEmpty || b != none && r.Header.Get("Content-Type") == string(b)
}

// Requests lists every request that the server may send to the engine. A request that is not on the list never leaves
// this process.
var Requests = []Request{
	{View, http.MethodGet, "/containers/{name}/json", nil, none, "show a container; the names of those that it shares something with"},
	{View, http.MethodGet, "/images/{reference}/json", nil, none, "show an image; what a container has beside the configuration of its image"},
	{View, http.MethodGet, "/volumes/{volume}", nil, none, "show a volume"},
	{View, http.MethodGet, "/networks/{network}", nil, none, "show a network; names of the containers that are connected to one that Docker does not remove"},
	{View, http.MethodGet, "/events", []string{"since", "until"}, none, "follow changes; read the event log before a live read is answered"},
	{View, http.MethodHead, "/_ping", nil, none, "find out whether the engine answers, and which API versions it speaks"},
	{View, http.MethodGet, "/_ping", nil, none, "the same of an engine that refuses HEAD"},
	{View, http.MethodGet, "/version", nil, none, "the version in the status of Engine; the API version and a sign of life where pings are refused"},
	{View, http.MethodGet, "/info", nil, none, "storage driver in the status of Engine; what a container has beside the defaults of the engine"},
	{View, http.MethodGet, "/containers/json", []string{"all", "filters"}, none, "IDs of all containers, after connecting, every resync period and an event that names none; the container of a made name; which images and volumes are in use, after connecting, every resync period, and of a container that came or went; names of those that use an image or volume"},
	{View, http.MethodGet, "/images/json", []string{"filters"}, none, "IDs of all images, after connecting, every resync period and an event that names none, and before a live read where the engine raises no event for some; which images without a tag are shown"},
	{View, http.MethodGet, "/volumes", nil, none, "names of all volumes, after connecting, every resync period and an event that names none; the volume of a made name; to show or delete a volume that Docker does not find by its name"},
	{View, http.MethodGet, "/networks", nil, none, "IDs of all networks, after connecting, every resync period and an event that names none; the network of a name or ID that the server does not know"},
	{View, http.MethodGet, "/containers/{id}/logs", []string{"follow", "since", "stderr", "stdout", "tail", "timestamps", "until"}, none, "the log of a container"},
	{View, http.MethodGet, "/containers/{id}/top", []string{"ps_args"}, none, "the processes of a container"},
	{View, http.MethodGet, "/containers/{id}/stats", []string{"one-shot", "stream"}, none, "the metrics of a container that runs, while somebody asks for metrics"},
	{Full, http.MethodPost, "/containers/create", []string{"name", "platform"}, inJSON, "a new container"},
	{Full, http.MethodPost, "/containers/{id}/update", nil, inJSON, "spec.resources and spec.restartPolicy of a container"},
	{Full, http.MethodPost, "/networks/{network}/connect", nil, inJSON, "spec.networks: a further network of a new container, and one that is added later"},
	{Full, http.MethodPost, "/networks/{network}/disconnect", nil, inJSON, "spec.networks: one that is removed"},
	{Full, http.MethodHead, "/containers/{id}/archive", []string{"path"}, none, "what is at a path in a container"},
	{Full, http.MethodGet, "/containers/{id}/archive", []string{"path"}, none, "a copy from a container"},
	{Full, http.MethodPut, "/containers/{id}/archive", []string{"noOverwriteDirNonDir", "path"}, asTar, "a copy to a container"},
	{Full, http.MethodGet, "/exec/{id}/json", nil, none, "the exit code of a command in a container"},
	{Full, http.MethodPost, "/containers/{id}/exec", nil, inJSON, "a command in a container, which has not begun yet"},
	{Full, http.MethodPost, "/exec/{id}/start", nil, inJSON, "the start of a command in a container, with its input and output"},
	{Full, http.MethodPost, "/exec/{id}/resize", []string{"h", "w"}, none, "the size of the terminal of a command in a container"},
	{Full, http.MethodPost, "/containers/{id}/attach", []string{"detachKeys", "logs", "stderr", "stdin", "stdout", "stream"}, none, "input and output of a container"},
	{Full, http.MethodPost, "/containers/{id}/resize", []string{"h", "w"}, none, "the size of the terminal of a container"},
	{Operate, http.MethodPost, "/containers/{id}/start", nil, none, "spec.state running, action start"},
	{Operate, http.MethodPost, "/containers/{id}/stop", []string{"t"}, none, "spec.state created, action stop, graceful delete"},
	{Operate, http.MethodPost, "/containers/{id}/pause", nil, none, "spec.state paused, action pause"},
	{Operate, http.MethodPost, "/containers/{id}/unpause", nil, none, "spec.state running, action unpause"},
	{Operate, http.MethodPost, "/containers/{id}/restart", []string{"t"}, none, "action restart"},
	{Operate, http.MethodPost, "/containers/{id}/kill", []string{"signal"}, none, "a signal to a container"},
	{Full, http.MethodPost, "/containers/{id}/rename", []string{"name"}, none, "another name for a container"},
	{Operate, http.MethodPost, "/containers/{id}/wait", []string{"condition"}, none, "the end of a removal; the exit code of a container that is attached to"},
	{Full, http.MethodPost, "/images/create", []string{"fromImage", "platform", "tag"}, none, "an ImagePullRequest"},
	{Full, http.MethodPost, "/images/{reference}/push", []string{"tag"}, inJSON, "an ImagePushRequest"},
	{Operate, http.MethodDelete, "/containers/{id}", []string{"force"}, none, "delete of a container"},
	{Full, http.MethodDelete, "/containers/{id}", []string{"force", "v"}, none, "the removal of a new container that could not be connected to its networks"},
	{Full, http.MethodPost, "/images/{image}/tag", []string{"repo", "tag"}, none, "a new tag; a tag that moves to another image"},
	{Operate, http.MethodDelete, "/images/{reference}", []string{"force"}, none, "delete of an image"},
	{Full, http.MethodPost, "/volumes/create", nil, inJSON, "a new volume"},
	{Operate, http.MethodDelete, "/volumes/{volume}", nil, none, "delete of a volume"},
	{Full, http.MethodPost, "/networks/create", nil, inJSON, "a new network"},
	{Operate, http.MethodDelete, "/networks/{network}", nil, none, "delete of a network"},
}

// segments holds the check of the values for each placeholder.
var segments = map[string]func(string) bool{
	"{name}":      names.IsPathSegment,
	"{volume}":    names.IsPath,
	"{network}":   names.IsNetworkID,
	"{id}":        names.IsFullID,
	"{reference}": names.IsImagePath,
	"{image}":     names.IsFullImageID,
}

func (r Request) allows(method, path string, query url.Values) bool {
	if r.Method != method || !r.hasPath(path) {
		return false
	}
	for parameter := range query {
		if !slices.Contains(r.Query, parameter) {
			return false
		}
	}
	return true
}

func (r Request) hasPath(path string) bool {
	for word, isOne := range segments {
		if before, after, found := strings.Cut(r.Path, word); found {
			rest, hasPrefix := strings.CutPrefix(path, before)
			value, hasSuffix := strings.CutSuffix(rest, after)
			return hasPrefix && hasSuffix && isOne(value)
		}
	}
	return r.Path == path
}

var versionPrefix = regexp.MustCompile(`^/v[0-9]+\.[0-9]+/`)

// FindRequest returns the entry of Requests that a request matches. It returns false if there is none.
func FindRequest(method string, target *url.URL) (Request, bool) {
	if path.Clean(target.Path) != target.Path {
		return Request{}, false
	}
	query, err := url.ParseQuery(target.RawQuery)
	if err != nil {
		return Request{}, false
	}
	rest := target.Path
	if version := versionPrefix.FindString(rest); version != "" {
		rest = rest[len(version)-1:]
	}
	for _, r := range Requests {
		if r.allows(method, rest, query) {
			return r, true
		}
	}
	return Request{}, false
}

var refusedRequests = metrics.NewCounter(&metrics.CounterOpts{
	Namespace:      "engine_apiserver",
	Name:           "refused_engine_requests_total",
	Help:           "Requests that the server did not send to the container engine because they are not on its list of allowed requests. Each one is a bug.",
	StabilityLevel: metrics.ALPHA,
})

func init() {
	legacyregistry.MustRegister(refusedRequests)
}

// guard makes a transport send only requests that are on the list and that the access allows.
type guard struct {
	access Access
	// base is the part of the engine's address that comes before the API's paths.
	base string
}

// newGuard returns the guard for a client of the engine.
func newGuard(c *client.Client, access Access) (guard, error) {
	host, err := client.ParseHostURL(c.DaemonHost())
	if err != nil {
		return guard{}, err
	}
	return guard{access: access, base: strings.TrimSuffix(host.Path, "/")}, nil
}

// protect makes the transport ask the guard before each request.
func (g guard) protect(transport *http.Transport) {
	for _, scheme := range []string{"http", "https"} {
		transport.RegisterProtocol(scheme, g)
	}
}

// RoundTrip returns http.ErrSkipAltProtocol for a request that may be sent. The transport then sends it. For any other
// request it returns an error.
func (g guard) RoundTrip(r *http.Request) (*http.Response, error) {
	target := *r.URL
	rest, found := strings.CutPrefix(target.Path, g.base)
	target.Path = rest
	request, listed := FindRequest(r.Method, &target)
	if found && listed && g.access.Includes(request.Access) && request.Body.Allows(r) {
		return nil, http.ErrSkipAltProtocol
	}
	refusedRequests.Inc()
	if listed && !g.access.Includes(request.Access) {
		return nil, fmt.Errorf("%s %s is kept from the container engine: the server needs --engine-access=%s for it, and has %s", r.Method, r.URL.Path, request.Access, g.access)
	}
	return nil, fmt.Errorf("%s %s is kept from the container engine: it is not on the list of requests that the server may send", r.Method, r.URL.Path)
}

// useOnlyFor makes a client of the engine send its requests by the transport, and leaves it no way to open a connection.
// Docker's client opens the connections that it hijacks by itself, with the dialer of its own transport or, for TLS, with
// the configuration that it finds there: they would pass the guard by. So its own transport has neither.
func useOnlyFor(c *client.Client, transport *http.Transport) error {
	own := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
		refusedRequests.Inc()
		return nil, errors.New("the connection is kept from the container engine: only requests on the list that the server may send open connections")
	}}
	for _, scheme := range []string{"http", "https"} {
		own.RegisterProtocol(scheme, transport)
	}
	if transport.TLSClientConfig != nil {
		if err := client.WithScheme("https")(c); err != nil {
			return err
		}
	}
	guarded := c.HTTPClient()
	guarded.Transport = own
	return client.WithHTTPClient(guarded)(c)
}
