// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"os"

	certutil "k8s.io/client-go/util/cert"
	"k8s.io/klog/v2"

	"github.com/rancher-sandbox/engine-apiserver/pkg/cmd/server/state"
)

// setUpCertificates has the server use a certificate, the user's or one of the state directory that has the names. It
// returns what clients trust it by and, where it is not the user's, what keeps it from expiring.
func (o *options) setUpCertificates(dir *state.State, names ...string) (authority []byte, own *state.Certificates, err error) {
	cert := &o.serving.ServerCert.CertKey
	if cert.CertFile != "" {
		certificates, err := certutil.CertsFromFile(cert.CertFile)
		if err == nil {
			authority, err = certutil.EncodeCertificates(certificates...)
		}
		if err != nil {
			return nil, nil, fmt.Errorf("reading --tls-cert-file: %w", err)
		}
		if _, err := tls.LoadX509KeyPair(cert.CertFile, cert.KeyFile); err != nil {
			return nil, nil, fmt.Errorf("reading --tls-private-key-file: %w", err)
		}
		return authority, nil, nil
	}
	own = dir.Certificates(append(names, addressName(o.serving.BindAddress)...)...)
	if authority, err = own.Ensure(); err != nil {
		return nil, nil, fmt.Errorf("preparing the certificates: %w", err)
	}
	cert.CertFile, cert.KeyFile = own.ServingFile(), own.ServingFile()
	return authority, own, nil
}

// renew returns what keeps certificates from expiring, and calls renewed when clients must trust another authority.
func renew(own *state.Certificates, authority []byte, renewed func(authority []byte) error) func(context.Context) {
	return func(ctx context.Context) {
		own.Renew(ctx, authority, renewed, func(err error) {
			klog.FromContext(ctx).Error(err, "The certificates cannot be renewed")
		})
	}
}

// addressName is what a server at an address is called beside localhost.
func addressName(address net.IP) []string {
	if !address.IsUnspecified() {
		return []string{address.String()}
	}
	if hostname, err := os.Hostname(); err == nil {
		return []string{hostname}
	}
	return nil
}
