// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package registration

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"slices"
	"testing"
	"time"

	certutil "k8s.io/client-go/util/cert"
)

// newAuthority returns the certificate of a new authority.
func newAuthority(t *testing.T) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := certutil.NewSelfSignedCACert(certutil.Config{CommonName: "test"}, key)
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := certutil.EncodeCertificates(certificate)
	if err != nil {
		t.Fatal(err)
	}
	return encoded
}

// sameBundle reports whether a bundle has these certificates in this order.
func sameBundle(t *testing.T, bundle []byte, want ...[]byte) bool {
	t.Helper()
	got, err := certutil.ParseCertsPEM(bundle)
	if err != nil {
		return len(want) == 0
	}
	wanted, err := certutil.ParseCertsPEM(slices.Concat(want...))
	if err != nil {
		t.Fatal(err)
	}
	return slices.EqualFunc(got, wanted, (*x509.Certificate).Equal)
}

func TestABundleHasTheAuthorityAndTheLastOneThatIsValid(t *testing.T) {
	a, b, c := newAuthority(t), newAuthority(t), newAuthority(t)
	now, later := time.Now(), time.Now().AddDate(20, 0, 0)
	for name, test := range map[string]struct {
		current [][]byte
		now     time.Time
		want    [][]byte
	}{
		"nothing before":                    {nil, now, [][]byte{a}},
		"no certificate before":             {[][]byte{[]byte("none")}, now, [][]byte{a}},
		"the same":                          {[][]byte{a}, now, [][]byte{a}},
		"another one":                       {[][]byte{b}, now, [][]byte{a, b}},
		"another one that has expired":      {[][]byte{b}, later, [][]byte{a}},
		"the same and another one":          {[][]byte{a, b}, now, [][]byte{a, b}},
		"another one and the same":          {[][]byte{b, a}, now, [][]byte{a, b}},
		"two others":                        {[][]byte{b, c}, now, [][]byte{a, b}},
		"the same and one that has expired": {[][]byte{a, b}, later, [][]byte{a}},
	} {
		current := slices.Concat(test.current...)
		got, err := bundle(a, current, test.now)
		if err != nil || !sameBundle(t, got, test.want...) {
			t.Errorf("%s: %v\n%s", name, err, got)
		}
		again, err := bundle(a, got, test.now)
		if err != nil || !bytes.Equal(again, got) {
			t.Errorf("%s, once more: %v\n%s", name, err, again)
		}
	}
}

func TestABundleOfNoAuthorityIsAnError(t *testing.T) {
	if got, err := bundle([]byte("none"), newAuthority(t), time.Now()); err == nil {
		t.Errorf("%s", got)
	}
}
