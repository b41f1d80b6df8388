// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package state

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"os"
	"testing"
	"testing/synctest"
	"time"
)

func openState(t *testing.T) *State {
	t.Helper()
	state, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := state.Close(); err != nil {
			t.Error(err)
		}
	})
	return state
}

func ensure(t *testing.T, c *Certificates) (authority []byte, serving *x509.Certificate) {
	t.Helper()
	authority, err := c.Ensure()
	if err != nil {
		t.Fatal(err)
	}
	pair, err := tls.LoadX509KeyPair(c.ServingFile(), c.ServingFile())
	if err != nil {
		t.Fatal(err)
	}
	return authority, pair.Leaf
}

func verify(t *testing.T, authority []byte, serving *x509.Certificate, name string) {
	t.Helper()
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(authority)
	if _, err := serving.Verify(x509.VerifyOptions{Roots: roots, DNSName: name, CurrentTime: time.Now()}); err != nil {
		t.Errorf("a client that reaches the server as %s does not trust it: %v", name, err)
	}
}

func TestTheServingCertificateIsTrustedByEveryNameOfTheServer(t *testing.T) {
	authority, serving := ensure(t, openState(t).Certificates("10.1.2.3", "box"))
	for _, name := range []string{"localhost", "127.0.0.1", "::1", "10.1.2.3", "box"} {
		verify(t, authority, serving, name)
	}
}

func TestCertificatesAreMadeOnce(t *testing.T) {
	state := openState(t)
	authority, serving := ensure(t, state.Certificates())
	again, same := ensure(t, state.Certificates())
	if !bytes.Equal(authority, again) || !serving.Equal(same) {
		t.Error("the certificates changed")
	}
}

func TestAnotherNameNeedsAnotherServingCertificateOfTheSameAuthority(t *testing.T) {
	state := openState(t)
	authority, _ := ensure(t, state.Certificates())
	again, serving := ensure(t, state.Certificates("10.1.2.3"))
	if !bytes.Equal(authority, again) {
		t.Error("the authority changed")
	}
	verify(t, authority, serving, "10.1.2.3")
}

func TestWhatIsBrokenIsMadeAnew(t *testing.T) {
	state := openState(t)
	certificates := state.Certificates()
	authority, _ := ensure(t, certificates)
	for _, name := range []string{"serving.pem", "ca.pem"} {
		if err := os.WriteFile(state.Path(name), []byte("-----BEGIN"), privateFile); err != nil {
			t.Fatal(err)
		}
		again, serving := ensure(t, certificates)
		if bytes.Equal(authority, again) != (name == "serving.pem") {
			t.Errorf("after %s was broken: the authority is the same: %t", name, bytes.Equal(authority, again))
		}
		verify(t, again, serving, "localhost")
	}
}

func TestCertificatesAreRenewedBeforeTheyExpire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		certificates := openState(t).Certificates()
		authority, serving := ensure(t, certificates)

		time.Sleep(servingLife - renewBefore - day)
		if _, same := ensure(t, certificates); !same.Equal(serving) {
			t.Error("the serving certificate was renewed too early")
		}
		time.Sleep(2 * day)
		again, renewed := ensure(t, certificates)
		if renewed.Equal(serving) || !bytes.Equal(again, authority) {
			t.Error("the serving certificate was not renewed, or the authority was")
		}
		verify(t, authority, renewed, "localhost")

		time.Sleep(authorityLife - 2*servingLife)
		if again, _ := ensure(t, certificates); bytes.Equal(again, authority) {
			t.Error("the authority was not renewed")
		}
	})
}

func TestARunningServerRenewsItsCertificates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		certificates := openState(t).Certificates()
		authority, serving := ensure(t, certificates)
		var authorities [][]byte
		ctx, cancel := context.WithCancel(t.Context())
		go certificates.Renew(ctx, authority, func(authority []byte) error {
			authorities = append(authorities, authority)
			return nil
		}, func(err error) { t.Error(err) })

		time.Sleep(servingLife)
		synctest.Wait()
		pair, err := tls.LoadX509KeyPair(certificates.ServingFile(), certificates.ServingFile())
		if err != nil || pair.Leaf.Equal(serving) || len(authorities) != 0 {
			t.Errorf("after a year: %v, renewed %t, %d new authorities", err, !pair.Leaf.Equal(serving), len(authorities))
		}
		time.Sleep(authorityLife - servingLife)
		synctest.Wait()
		if len(authorities) != 1 {
			t.Errorf("after ten years there were %d new authorities", len(authorities))
		}
		cancel()
		synctest.Wait()
	})
}

func TestARenewalThatFailsIsReportedAndTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		certificates := openState(t).Certificates()
		ensure(t, certificates)
		tries, failures := 0, 0
		ctx, cancel := context.WithCancel(t.Context())
		go certificates.Renew(ctx, []byte("another authority"), func([]byte) error {
			tries++
			if tries == 1 {
				return errors.New("no space left")
			}
			return nil
		}, func(error) { failures++ })
		time.Sleep(3*renewalInterval + time.Minute)
		synctest.Wait()
		if tries != 2 || failures != 1 {
			t.Errorf("%d tries, %d failures", tries, failures)
		}
		cancel()
		synctest.Wait()
	})
}
