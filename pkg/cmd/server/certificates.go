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

// setUpCertificates sets the server's certificate: the user's --tls-cert-file, or one from the state directory that is
// valid for the names. authority is what clients trust the certificate by. own renews the certificate, and is nil for
// the user's.
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

// renew returns a task that keeps the certificates from expiring. It calls renewed when clients must trust another
// authority.
func renew(own *state.Certificates, authority []byte, renewed func(authority []byte) error) func(context.Context) {
	return func(ctx context.Context) {
		own.Renew(ctx, authority, renewed, func(err error) {
			klog.FromContext(ctx).Error(err, "The certificates cannot be renewed")
		})
	}
}

// addressName returns the name of a server at an address, in addition to localhost.
func addressName(address net.IP) []string {
	if !address.IsUnspecified() {
		return []string{address.String()}
	}
	if hostname, err := os.Hostname(); err == nil {
		return []string{hostname}
	}
	return nil
}
