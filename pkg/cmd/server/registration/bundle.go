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

// bundle returns the caBundle for a server whose certificate is signed by authority. current is the caBundle so far. The
// result starts with authority. It keeps one other authority of current while that is still valid, so that the cluster
// also trusts a server that still uses the previous certificate. bundle returns current unchanged if it already fits.
func bundle(authority, current []byte, now time.Time) ([]byte, error) {
	own, err := certutil.ParseCertsPEM(authority)
	if err != nil {
		return nil, fmt.Errorf("reading the server's certificate authority: %w", err)
	}
	former, _ := certutil.ParseCertsPEM(current) // an unreadable bundle is replaced
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
