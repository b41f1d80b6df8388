// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package state

import (
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Authority returns the PEM-encoded certificate of the authority in a state directory. It makes an authority if there is
// none or if it has expired, even while no server runs there. The server alone renews an authority that is still valid,
// because it must renew the serving certificate at the same time.
func Authority(dir string) ([]byte, error) {
	if err := os.MkdirAll(dir, privateDir); err != nil {
		return nil, unusable(err)
	}
	ca, err := ensureAuthority(filepath.Join(dir, authorityName), 0)
	if err != nil {
		return nil, unusable(err)
	}
	return encodeCertificate(ca.Leaf), nil
}

// ensureAuthority returns the authority in the file at path. It makes a new one if there is none or if it expires within
// the given time. Processes that find the file missing at the same time end up with the same authority.
func ensureAuthority(path string, within time.Duration) (*tls.Certificate, error) {
	_, missing := os.Stat(path)
	ca, err := load(path)
	if err != nil {
		return nil, err
	}
	if ca != nil && ca.Leaf.IsCA && !expires(ca.Leaf, within) {
		return ca, nil
	}
	template := &x509.Certificate{
		Subject:               pkix.Name{CommonName: "engine-apiserver CA"},
		NotAfter:              time.Now().Add(authorityLife),
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	if ca, err = sign(template, nil); err != nil {
		return nil, fmt.Errorf("making the certificate authority: %w", err)
	}
	// Replace a file that is unusable. If the file was missing, keep the one that another process may have made since.
	write := writePair
	if errors.Is(missing, fs.ErrNotExist) {
		write = writeFirst
	}
	if err := write(path, ca); err != nil {
		return nil, fmt.Errorf("writing the certificate authority: %w", err)
	}
	if ca, err = load(path); err == nil && ca == nil {
		err = fmt.Errorf("%s changed while it was being written", path)
	}
	return ca, err
}

// writeFirst writes a pair like writePair, but keeps a file that already exists.
func writeFirst(path string, pair *tls.Certificate) error {
	temporary := path + "." + rand.Text()
	if err := writePair(temporary, pair); err != nil {
		return err
	}
	defer os.Remove(temporary)
	if err := os.Link(temporary, path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}
