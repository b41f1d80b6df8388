// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package registration

import (
	"net"
	"regexp"
	"strconv"
	"strings"
)

const (
	reasonUnknown       = "Unknown"         // the APIService has not been read yet
	reasonUnreadable    = "Unreadable"      // the APIService could not be read
	reasonNoCondition   = "NoCondition"     // the APIService has no Available condition
	reasonDiscovery     = "DiscoveryFailed" // the Available condition is true, but the server does not answer
	externalNameRefused = "unsupported service type \"ExternalName\""
)

// finding is the reason why an APIService is not available. The zero value means that it is available.
type finding struct{ reason, message string }

func (f finding) good() bool { return f == finding{} }

// symptoms map a finding to advice for the user. The first one that matches wins. An empty reason matches every reason,
// and a nil message matches every message. The placeholders {address}, {service}, {namespace} and {name} stand for the
// registered server and its Service.
var symptoms = []struct {
	reason  string
	message *regexp.Regexp
	advice  string
}{
	{reasonNoCondition, nil, "this control plane does not check APIServices, so the server must report its own state: make sure that it runs with this control plane's --kubeconfig and with --service-name {name} --service-namespace {namespace}"},
	{reasonUnreadable, nil, "the APIService can no longer be read"},
	{reasonUnknown, nil, "the control plane did not answer in time"},
	{ReasonReported, nil, "the server reports that it is not ready: see its output"},
	{"ServiceNotFound", nil, "the Service {service} was deleted: register again"},
	{"ServicePortError", nil, "the Service {service} has a different port: register again"},
	{"EndpointsNotFound", nil, "the Service {service} has no EndpointSlice: register again"},
	{"MissingEndpoints", nil, "the Service {service} has no ready endpoint: register again; if the server runs in the cluster, see 'kubectl get pods -n {namespace}'"},
	{"", regexp.MustCompile(regexp.QuoteMeta(externalNameRefused)), "the control plane reaches Services only through their endpoints: register an address that is not a loopback address (--address)"},
	{"", regexp.MustCompile("no endpoints available|no such service|service .* not found"), "the control plane finds no endpoint of the Service {service}: see 'kubectl get endpointslices -n {namespace}'"},
	{"", regexp.MustCompile("no such host|server misbehaving|Temporary failure in name resolution"), "the control plane cannot resolve {address}: register a name or an address that it knows (--address)"},
	{"", regexp.MustCompile("connection refused"), "nothing listens at {address}, seen from the control plane: make sure that the server runs and that this is its --secure-port; localhost is the control plane's own machine"},
	{"", regexp.MustCompile("no route to host|network is unreachable"), "the control plane has no route to {address}: register another address of the server's machine (--address)"},
	{"", regexp.MustCompile("HTTP response to HTTPS client|first record does not look like a TLS handshake"), "another program listens at {address}: it does not speak HTTPS: correct --address"},
	{"", regexp.MustCompile("certificate is (not )?valid for|doesn't contain any IP SANs|cannot validate certificate|not standards compliant|legacy Common Name"), "the server's certificate is not for {name}.{namespace}.svc: run the server with --service-name {name} --service-namespace {namespace}, or add that name to its --tls-cert-file"},
	{"", regexp.MustCompile("signed by unknown authority|certificate is not trusted"), "the server's certificate is signed by another authority than the registered one: give register the server's --state-dir, or the authority of the server's --tls-cert-file as --ca-file"},
	{"", regexp.MustCompile("certificate has expired"), "the server's certificate has expired, or a clock is wrong: restart the server, or renew its --tls-cert-file"},
	{"", regexp.MustCompile("x509: |tls: "), "the control plane does not accept the server's certificate: give register the server's --state-dir or --ca-file"},
	{"", regexp.MustCompile("bad status from .*: 401|Unauthorized"), "the server cannot authenticate the control plane: start kube-apiserver with --requestheader-client-ca-file and the other --requestheader flags, and the server with this control plane's --kubeconfig"},
	{"", regexp.MustCompile("bad status from .*: 403|forbidden"), "the server does not recognize the control plane and refuses its requests: start kube-apiserver with --proxy-client-cert-file and --proxy-client-key-file, and the server with this control plane's --kubeconfig"},
	{"", regexp.MustCompile("bad status from .*: 404|could not find the requested resource"), "another server listens at {address}: correct --address"},
	{"", regexp.MustCompile("bad status from .*: (429|50[0-9])"), "the server is not ready: see its output; with --ready-requires-engine it is ready only while the container engine answers"},
	{"", regexp.MustCompile("timeout|timed out|deadline exceeded"), "{address} does not answer the control plane in time: make sure that the server listens on that address (serve --bind-address), and that no firewall blocks the control plane"},
	{"", nil, "see the server's output, and 'kubectl describe apiservice " + APIServiceName + "'"},
}

// advice returns one line that says what is wrong and what to do.
func (f finding) advice(options Options) string {
	for _, symptom := range symptoms {
		if symptom.reason != "" && symptom.reason != f.reason || symptom.message != nil && !symptom.message.MatchString(f.message) {
			continue
		}
		advice := strings.NewReplacer(
			"{address}", net.JoinHostPort(options.Host, strconv.Itoa(int(options.Service.Port))),
			"{service}", options.Service.Namespace+"/"+options.Service.Name,
			"{namespace}", options.Service.Namespace,
			"{name}", options.Service.Name,
		).Replace(symptom.advice)
		if f.message == "" {
			return advice
		}
		return advice + " (" + f.reason + ": " + oneLine(f.message) + ")"
	}
	return f.message
}
