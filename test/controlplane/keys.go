// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package controlplane

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"k8s.io/client-go/util/keyutil"
)

const (
	certificateLife = 24 * time.Hour
	clockSkew       = time.Hour
)

// keys are the control plane's certificate authorities and the certificates that they signed, as files in a directory.
type keys struct {
	dir            string
	ca, frontProxy *pair
}

type pair struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

func newKeys(dir string) (*keys, error) {
	k := &keys{dir: dir}
	var err error
	if k.ca, err = k.make("ca", nil, authority("ca")); err != nil {
		return nil, err
	}
	if k.frontProxy, err = k.make("front-proxy-ca", nil, authority("front-proxy-ca")); err != nil {
		return nil, err
	}
	serving := leaf(pkix.Name{CommonName: "kube-apiserver"}, x509.ExtKeyUsageServerAuth)
	serving.DNSNames = []string{"localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc"}
	serving.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1), net.IPv4(10, 0, 0, 1)}
	for _, one := range []struct {
		name     string
		parent   *pair
		template *x509.Certificate
	}{
		{"apiserver", k.ca, serving},
		{"front-proxy-client", k.frontProxy, leaf(pkix.Name{CommonName: "front-proxy-client"}, x509.ExtKeyUsageClientAuth)},
		{"service-account", k.ca, leaf(pkix.Name{CommonName: "service-account"}, x509.ExtKeyUsageClientAuth)},
	} {
		if _, err := k.make(one.name, one.parent, one.template); err != nil {
			return nil, err
		}
	}
	return k, nil
}

func authority(name string) *x509.Certificate {
	return &x509.Certificate{
		Subject:               pkix.Name{CommonName: name},
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
}

func leaf(subject pkix.Name, usage x509.ExtKeyUsage) *x509.Certificate {
	return &x509.Certificate{
		Subject:     subject,
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{usage},
	}
}

func (k *keys) certificate(name string) string { return filepath.Join(k.dir, name+".crt") }

func (k *keys) key(name string) string { return filepath.Join(k.dir, name+".key") }

// make makes a key and a certificate and writes them to files. The parent signs the certificate; without a parent it is
// self-signed.
func (k *keys) make(name string, parent *pair, template *x509.Certificate) (*pair, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	if template.SerialNumber, err = rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120)); err != nil {
		return nil, err
	}
	template.NotBefore, template.NotAfter = time.Now().Add(-clockSkew), time.Now().Add(certificateLife)
	if parent == nil {
		parent = &pair{template, key}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent.certificate, key.Public(), parent.key)
	if err != nil {
		return nil, err
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	encodedKey, err := keyutil.MarshalPrivateKeyToPEM(key)
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(k.certificate(name), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		return nil, err
	}
	return &pair{certificate, key}, os.WriteFile(k.key(name), encodedKey, 0o600)
}

// Kubeconfig writes a kubeconfig for a user in these groups and returns its path.
func (c *ControlPlane) Kubeconfig(user string, groups ...string) (string, error) {
	name := "user-" + strings.NewReplacer(":", "-", "/", "-").Replace(user)
	if _, err := c.keys.make(name, c.keys.ca, leaf(pkix.Name{CommonName: user, Organization: groups}, x509.ExtKeyUsageClientAuth)); err != nil {
		return "", fmt.Errorf("making a certificate for %s: %w", user, err)
	}
	return c.writeKubeconfig(name, &clientcmdapi.AuthInfo{ClientCertificate: c.keys.certificate(name), ClientKey: c.keys.key(name)})
}

// TokenKubeconfig writes a kubeconfig with a bearer token and returns its path.
func (c *ControlPlane) TokenKubeconfig(name, token string) (string, error) {
	return c.writeKubeconfig("token-"+name, &clientcmdapi.AuthInfo{Token: token})
}

func (c *ControlPlane) writeKubeconfig(name string, user *clientcmdapi.AuthInfo) (string, error) {
	config := clientcmdapi.NewConfig()
	config.Clusters["test"] = &clientcmdapi.Cluster{Server: c.url, CertificateAuthority: c.keys.certificate("ca")}
	config.AuthInfos["test"] = user
	config.Contexts["test"] = &clientcmdapi.Context{Cluster: "test", AuthInfo: "test"}
	config.CurrentContext = "test"
	file := filepath.Join(c.dir, name+".kubeconfig")
	if err := clientcmd.WriteToFile(*config, file); err != nil {
		return "", fmt.Errorf("writing the kubeconfig of %s: %w", name, err)
	}
	return file, nil
}
