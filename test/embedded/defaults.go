// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/csv"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"

	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"k8s.io/client-go/util/keyutil"
	controlplane "k8s.io/kubernetes/pkg/controlplane/apiserver/options"
	"k8s.io/kubernetes/pkg/serviceaccount"
)

const (
	administrator = "admin"
	localhost     = "127.0.0.1"
)

// dataDir is the directory of the data that survives a restart.
type dataDir string

func (d dataDir) path(name string) string { return filepath.Join(string(d), name) }

// setDefaults sets options that a control plane needs: a loopback address, keys, RBAC, and an administrator with a kubeconfig. It
// keeps values that flags have set, but always chooses RBAC and the directory of the certificates.
func (d *dataDir) setDefaults(options *controlplane.Options) error {
	absolute, err := filepath.Abs(string(*d))
	if err != nil {
		return err
	}
	*d = dataDir(absolute)
	if err := os.MkdirAll(absolute, 0o700); err != nil {
		return fmt.Errorf("making the data directory: %w", err)
	}
	if options.SecureServing.BindAddress.IsUnspecified() {
		options.SecureServing.BindAddress = net.ParseIP(localhost)
	}
	options.GenericServerRunOptions.AdvertiseAddress = options.SecureServing.BindAddress
	options.Authorization.Modes = []string{"RBAC"}
	options.SecureServing.ServerCert.CertDirectory = d.path("certificates")

	if options.ServiceAccountSigningKeyFile == "" {
		key := d.path("service-account.key")
		if err := ensureKey(key); err != nil {
			return fmt.Errorf("making the key of service accounts: %w", err)
		}
		options.ServiceAccountSigningKeyFile = key
		options.Authentication.ServiceAccounts.KeyFiles = []string{key}
	}
	if len(options.Authentication.ServiceAccounts.Issuers) == 0 {
		options.Authentication.ServiceAccounts.Issuers = []string{serviceaccount.LegacyIssuer}
	}
	if options.Authentication.TokenFile.TokenFile == "" {
		if err := d.addAdministrator(options); err != nil {
			return fmt.Errorf("making the administrator's kubeconfig: %w", err)
		}
	}
	return nil
}

// ensureKey makes a private key if the file does not exist.
func ensureKey(file string) error {
	if _, err := os.Stat(file); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	encoded, err := keyutil.MarshalPrivateKeyToPEM(key)
	if err != nil {
		return err
	}
	return os.WriteFile(file, encoded, 0o600)
}

// addAdministrator adds an administrator in the group system:masters with a new token, and writes a kubeconfig with that token.
func (d *dataDir) addAdministrator(options *controlplane.Options) error {
	token := rand.Text()
	options.Authentication.TokenFile.TokenFile = d.path("tokens.csv")
	tokens, err := os.OpenFile(options.Authentication.TokenFile.TokenFile, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer tokens.Close()
	writer := csv.NewWriter(tokens)
	if err := writer.WriteAll([][]string{{token, administrator, administrator, user.SystemPrivilegedGroup}}); err != nil {
		return err
	}
	kubeconfig := clientcmdapi.NewConfig()
	kubeconfig.Clusters["embedded"] = &clientcmdapi.Cluster{
		Server:               "https://" + net.JoinHostPort(options.SecureServing.BindAddress.String(), strconv.Itoa(options.SecureServing.BindPort)),
		CertificateAuthority: filepath.Join(options.SecureServing.ServerCert.CertDirectory, "apiserver.crt"),
	}
	kubeconfig.AuthInfos[administrator] = &clientcmdapi.AuthInfo{Token: token}
	kubeconfig.Contexts["embedded"] = &clientcmdapi.Context{Cluster: "embedded", AuthInfo: administrator}
	kubeconfig.CurrentContext = "embedded"
	return clientcmd.WriteToFile(*kubeconfig, d.path("kubeconfig"))
}
