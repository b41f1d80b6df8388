// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package state

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"slices"
	"time"

	"k8s.io/client-go/util/keyutil"
)

const (
	day             = 24 * time.Hour
	authorityLife   = 3650 * day
	servingLife     = 365 * day
	renewBefore     = 30 * day
	renewalInterval = 12 * time.Hour
	// clockSkew is how far a client's clock may be behind the server's. Certificates start to be valid that much earlier.
	clockSkew = time.Hour

	certificateBlock = "CERTIFICATE"
)

// Certificates are a certificate authority and the serving certificate that it signs. One file holds a certificate
// together with its key, so that no reader sees one without the other.
type Certificates struct {
	state *State
	names []string
}

// Certificates returns the certificates of a server that clients reach by the given host names and IP addresses, and by
// the loopback names.
func (s *State) Certificates(names ...string) *Certificates {
	names = append(names, "localhost", "127.0.0.1", "::1")
	slices.Sort(names)
	return &Certificates{s, slices.Compact(names)}
}

// ServingFile returns the file of the serving certificate and its key.
func (c *Certificates) ServingFile() string { return c.state.Path(servingName) }

// Ensure makes certificates that are missing and renews certificates that expire soon. It returns the PEM-encoded
// certificate of the authority.
func (c *Certificates) Ensure() (authority []byte, err error) {
	ca, err := ensureAuthority(c.state.Path(authorityName), servingLife+renewBefore)
	if err != nil {
		return nil, err
	}
	serving, err := load(c.ServingFile())
	if err != nil {
		return nil, err
	}
	if serving == nil || expires(serving.Leaf, renewBefore) || serving.Leaf.CheckSignatureFrom(ca.Leaf) != nil || !c.covers(serving.Leaf) {
		template := &x509.Certificate{
			Subject:     pkix.Name{CommonName: "engine-apiserver"},
			NotAfter:    time.Now().Add(servingLife),
			KeyUsage:    x509.KeyUsageDigitalSignature,
			ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		}
		for _, name := range c.names {
			if ip := net.ParseIP(name); ip != nil {
				template.IPAddresses = append(template.IPAddresses, ip)
			} else {
				template.DNSNames = append(template.DNSNames, name)
			}
		}
		if serving, err = sign(template, ca); err != nil {
			return nil, fmt.Errorf("making the serving certificate: %w", err)
		}
		if err := writePair(c.ServingFile(), serving); err != nil {
			return nil, fmt.Errorf("writing the serving certificate: %w", err)
		}
	}
	return encodeCertificate(ca.Leaf), nil
}

// Authority returns the PEM-encoded certificate of the authority, or nil if there is none.
func (c *Certificates) Authority() []byte {
	ca, err := load(c.state.Path(authorityName))
	if err != nil || ca == nil || !ca.Leaf.IsCA {
		return nil
	}
	return encodeCertificate(ca.Leaf)
}

// Renew keeps the certificates valid until ctx ends. It calls renewed when the authority is no longer the current one,
// and again until renewed succeeds. It calls failed with each error.
func (c *Certificates) Renew(ctx context.Context, current []byte, renewed func(authority []byte) error, failed func(error)) {
	ticker := time.NewTicker(renewalInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		authority, err := c.Ensure()
		if err == nil && !bytes.Equal(authority, current) {
			if err = renewed(authority); err == nil {
				current = authority
			}
		}
		if err != nil {
			failed(err)
		}
	}
}

func (c *Certificates) covers(certificate *x509.Certificate) bool {
	return !slices.ContainsFunc(c.names, func(name string) bool { return certificate.VerifyHostname(name) != nil })
}

func expires(certificate *x509.Certificate, within time.Duration) bool {
	return time.Until(certificate.NotAfter) < within
}

// load returns the certificate and the key in a file. It returns nil if the file is missing or holds no such pair.
func load(path string) (*tls.Certificate, error) {
	content, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	pair, err := tls.X509KeyPair(content, content)
	if err != nil {
		return nil, nil // the caller makes a new pair
	}
	return &pair, nil
}

// sign makes a key and a certificate, signed by parent or by itself.
func sign(template *x509.Certificate, parent *tls.Certificate) (*tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template.NotBefore = time.Now().Add(-clockSkew)
	signer, signerKey := template, crypto.PrivateKey(key)
	if parent != nil {
		signer, signerKey = parent.Leaf, parent.PrivateKey
	}
	der, err := x509.CreateCertificate(rand.Reader, template, signer, key.Public(), signerKey)
	if err != nil {
		return nil, err
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: certificate}, nil
}

// SelfSigned makes a self-signed serving certificate and its key, both PEM encoded. The certificate is valid for
// authorityLife, because nothing renews it while the server runs.
func SelfSigned(name string) (certificate, key []byte, err error) {
	pair, err := sign(&x509.Certificate{
		Subject:               pkix.Name{CommonName: name},
		DNSNames:              []string{name},
		NotAfter:              time.Now().Add(authorityLife),
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
		IsCA:                  true,
	}, nil)
	if err != nil {
		return nil, nil, err
	}
	key, err = keyutil.MarshalPrivateKeyToPEM(pair.PrivateKey)
	return encodeCertificate(pair.Leaf), key, err
}

// writePair writes a certificate and its key to a file.
func writePair(path string, pair *tls.Certificate) error {
	key, err := keyutil.MarshalPrivateKeyToPEM(pair.PrivateKey)
	if err != nil {
		return err
	}
	return Write(path, append(encodeCertificate(pair.Leaf), key...))
}

func encodeCertificate(certificate *x509.Certificate) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: certificateBlock, Bytes: certificate.Raw})
}
