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
	reasonUnknown       = "Unknown"         // nothing was read yet
	reasonUnreadable    = "Unreadable"      // the APIService could not be read
	reasonNoCondition   = "NoCondition"     // nobody has set one
	reasonDiscovery     = "DiscoveryFailed" // the condition is true, and the server does not answer
	externalNameRefused = "unsupported service type \"ExternalName\""
)

// finding is why an APIService is not available. The zero value is that it is.
type finding struct{ reason, message string }

func (f finding) good() bool { return f == finding{} }

// symptoms are what can be wrong and what to do, the first that fits counts. An empty reason is any. In an advice
// {address}, {service}, {namespace} and {name} stand for what was registered.
var symptoms = []struct {
	reason  string
	message *regexp.Regexp
	advice  string
}{
	{reasonNoCondition, nil, "the control plane does not check APIServices, so the server does: is it running, with this control plane's --kubeconfig and --service-name {name} --service-namespace {namespace}?"},
	{reasonUnreadable, nil, "it cannot be read any more"},
	{reasonUnknown, nil, "the control plane did not answer in time"},
	{ReasonReported, nil, "the server itself says that it is not ready: see what it prints"},
	{"ServiceNotFound", nil, "the Service {service} was deleted: register again"},
	{"ServicePortError", nil, "the Service {service} has another port: register again"},
	{"EndpointsNotFound", nil, "the Service {service} has no EndpointSlice: register again"},
	{"MissingEndpoints", nil, "the Service {service} has no endpoint that is ready: register again, or see 'kubectl get pods -n {namespace}' where the server runs in the cluster"},
	{"", regexp.MustCompile(regexp.QuoteMeta(externalNameRefused)), "the control plane reaches Services by their endpoints alone: register an address that is none of this machine's loopback (--address)"},
	{"", regexp.MustCompile("no endpoints available|no such service|service .* not found"), "the control plane finds no endpoint of the Service {service}: see 'kubectl get endpointslices -n {namespace}'"},
	{"", regexp.MustCompile("no such host|server misbehaving|Temporary failure in name resolution"), "the control plane cannot resolve {address}: register a name or an address that it knows (--address)"},
	{"", regexp.MustCompile("connection refused"), "nothing listens at {address}, as the control plane sees it: is the server running, and is this its --secure-port? localhost is the control plane's own machine"},
	{"", regexp.MustCompile("no route to host|network is unreachable"), "the control plane has no way to {address}: register another address of the server's machine (--address)"},
	{"", regexp.MustCompile("HTTP response to HTTPS client|first record does not look like a TLS handshake"), "what listens at {address} is not the server: it does not speak HTTPS: correct --address"},
	{"", regexp.MustCompile("certificate is (not )?valid for|doesn't contain any IP SANs|cannot validate certificate|not standards compliant|legacy Common Name"), "the server's certificate is not for {name}.{namespace}.svc: run it with --service-name {name} --service-namespace {namespace}, or put that name into its --tls-cert-file"},
	{"", regexp.MustCompile("signed by unknown authority|certificate is not trusted"), "the server's certificate is signed by another authority than the one registered: give register the server's --state-dir, or with --ca-file the authority of its --tls-cert-file"},
	{"", regexp.MustCompile("certificate has expired"), "the server's certificate has expired, or a clock is wrong: restart the server, or renew its --tls-cert-file"},
	{"", regexp.MustCompile("x509: |tls: "), "the control plane does not accept the server's certificate: give register the server's --state-dir or --ca-file"},
	{"", regexp.MustCompile("bad status from .*: 401|Unauthorized"), "the server does not know the control plane's requests: kube-apiserver needs --requestheader-client-ca-file and its companions, and the server must be given this control plane's --kubeconfig"},
	{"", regexp.MustCompile("bad status from .*: 403|forbidden"), "the server takes the control plane's requests for a stranger's: kube-apiserver needs --proxy-client-cert-file and --proxy-client-key-file, and the server must be given this control plane's --kubeconfig"},
	{"", regexp.MustCompile("bad status from .*: 404|could not find the requested resource"), "what listens at {address} is another server: correct --address"},
	{"", regexp.MustCompile("bad status from .*: (429|50[0-9])"), "the server is not ready: see what it prints, and whether its container engine answers if it runs with --ready-requires-engine"},
	{"", regexp.MustCompile("timeout|timed out|deadline exceeded"), "{address} does not answer the control plane in time: does the server listen on that address (serve --bind-address), and does a firewall let the control plane through?"},
	{"", nil, "see what the server prints, and 'kubectl describe apiservice " + APIServiceName + "'"},
}

// advice says what is wrong and what to do, on one line.
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
