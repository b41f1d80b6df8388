// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package registration

import (
	"bytes"
	"crypto/x509"
	"fmt"
	"slices"
	"time"

	certutil "k8s.io/client-go/util/cert"
)

// bundle returns what a cluster that trusts current should trust once authority signs the server's certificate: both,
// so that a server which still has the former certificate is trusted as well. Of current at most one other authority
// is kept, and only while it is valid. It returns current itself where that will do.
func bundle(authority, current []byte, now time.Time) ([]byte, error) {
	own, err := certutil.ParseCertsPEM(authority)
	if err != nil {
		return nil, fmt.Errorf("reading the server's certificate authority: %w", err)
	}
	// What cannot be read is of no use to anyone.
	former, _ := certutil.ParseCertsPEM(current)
	wanted := slices.Clone(own)
	for _, certificate := range former {
		if !slices.ContainsFunc(own, certificate.Equal) && now.Before(certificate.NotAfter) {
			wanted = append(wanted, certificate)
			break
		}
	}
	if slices.EqualFunc(wanted, former, (*x509.Certificate).Equal) {
		return current, nil
	}
	encoded, err := certutil.EncodeCertificates(wanted...)
	return bytes.TrimSpace(encoded), err
}
