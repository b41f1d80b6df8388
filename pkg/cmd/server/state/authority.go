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

// Authority returns the certificate of the authority in a state directory, PEM encoded. Where there is none that is
// valid it is made, whether a server runs there or not. Only the server renews it, together with what it has signed.
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

// ensureAuthority returns the authority of a file, another one where it expires within a time. A missing one is made
// once, however many processes find it missing.
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
	// What is of no use is replaced, but not what another process has made meanwhile.
	write := writePair
	if errors.Is(missing, fs.ErrNotExist) {
		write = writeFirst
	}
	if err := write(path, ca); err != nil {
		return nil, fmt.Errorf("writing the certificate authority: %w", err)
	}
	if ca, err = load(path); err == nil && ca == nil {
		err = fmt.Errorf("%s was changed while it was made", path)
	}
	return ca, err
}

// writeFirst is writePair unless there is a file.
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
