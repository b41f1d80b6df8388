// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package registration

import (
	"strings"
	"testing"
)

const answer = "failing or missing response from https://localhost:6445/apis/containers.rancherdesktop.io/v1alpha1: "

func TestWhatIsWrongHasAnAdvice(t *testing.T) {
	options := Options{Host: "engine.example.net", Service: Service{Namespace: "outside", Name: "docker", Port: 7445}}
	for name, test := range map[string]struct {
		found finding
		words string
	}{
		"Name":            {finding{"FailedDiscoveryCheck", answer + `Get "https://…": dial tcp: lookup engine.example.net on 10.0.0.10:53: no such host`}, "cannot resolve engine.example.net:7445"},
		"Refused":         {finding{"FailedDiscoveryCheck", answer + `Get "https://…": dial tcp 127.0.0.1:6445: connect: connection refused`}, "nothing listens at engine.example.net:7445"},
		"NoRoute":         {finding{"FailedDiscoveryCheck", answer + "dial tcp 192.0.2.1:6445: connect: no route to host"}, "has no route to engine.example.net:7445"},
		"Silent":          {finding{"FailedDiscoveryCheck", answer + "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"}, "does not answer the control plane in time"},
		"SilentDial":      {finding{"FailedDiscoveryCheck", "timed out waiting for https://localhost:6445/apis/containers.rancherdesktop.io/v1alpha1"}, "--bind-address"},
		"Names":           {finding{"FailedDiscoveryCheck", answer + "tls: failed to verify certificate: x509: certificate is valid for localhost, not docker.outside.svc"}, "certificate is not for docker.outside.svc"},
		"NoNames":         {finding{"FailedDiscoveryCheck", answer + "tls: failed to verify certificate: x509: certificate is not valid for any names, but wanted to match docker.outside.svc"}, "--service-namespace outside"},
		"Authority":       {finding{"FailedDiscoveryCheck", answer + "tls: failed to verify certificate: x509: certificate signed by unknown authority"}, "signed by another authority"},
		"Expired":         {finding{"FailedDiscoveryCheck", answer + "tls: failed to verify certificate: x509: certificate has expired or is not yet valid"}, "has expired"},
		"OtherTLS":        {finding{"FailedDiscoveryCheck", answer + "remote error: tls: handshake failure"}, "does not accept the server's certificate"},
		"NoTLS":           {finding{"FailedDiscoveryCheck", answer + "http: server gave HTTP response to HTTPS client"}, "does not speak HTTPS"},
		"Unauthorized":    {finding{"FailedDiscoveryCheck", answer + "bad status from https://localhost:6445/apis/containers.rancherdesktop.io/v1alpha1: 401"}, "--requestheader-client-ca-file"},
		"Forbidden":       {finding{"FailedDiscoveryCheck", answer + "bad status from https://localhost:6445/apis/containers.rancherdesktop.io/v1alpha1: 403"}, "--proxy-client-cert-file"},
		"NotFound":        {finding{"FailedDiscoveryCheck", answer + "bad status from https://localhost:6445/apis/containers.rancherdesktop.io/v1alpha1: 404"}, "another server"},
		"NotReady":        {finding{"FailedDiscoveryCheck", answer + "bad status from https://localhost:6445/apis/containers.rancherdesktop.io/v1alpha1: 503"}, "--ready-requires-engine"},
		"ExternalName":    {finding{"FailedDiscoveryCheck", `unsupported service type "ExternalName"`}, "only through their endpoints"},
		"NoService":       {finding{"ServiceNotFound", `service/docker in "outside" is not present`}, "Service outside/docker was deleted"},
		"ServicePort":     {finding{"ServicePortError", `service/docker in "outside" is not listening on port 7445`}, "a different port"},
		"NoEndpointSlice": {finding{"EndpointsNotFound", `cannot find endpointslices for service/docker in "outside"`}, "no EndpointSlice"},
		"NoEndpoint":      {finding{"MissingEndpoints", `endpointslices for service/docker in "outside" have no addresses with port name "https"`}, "kubectl get pods -n outside"},
		"NobodyChecks":    {finding{reason: reasonNoCondition}, "--service-name docker --service-namespace outside"},
		"ServerSaysNo":    {finding{ReasonReported, "the container engine does not answer"}, "the server reports"},
		"Unreadable":      {finding{reasonUnreadable, "reading the APIService: EOF"}, "can no longer be read"},
		"Unread":          {finding{reason: reasonUnknown}, "did not answer in time"},
		"NeverSeen":       {finding{"SomeOtherReason", "something else"}, "kubectl describe apiservice " + APIServiceName},
	} {
		t.Run(name, func(t *testing.T) {
			advice := test.found.advice(options)
			if !strings.Contains(advice, test.words) {
				t.Errorf("the advice is %q, want %q in it", advice, test.words)
			}
			if strings.ContainsAny(advice, "\n{}") || !strings.Contains(advice, test.found.message) {
				t.Errorf("the advice is %q, want one line with %q in it", advice, test.found.message)
			}
		})
	}
}
