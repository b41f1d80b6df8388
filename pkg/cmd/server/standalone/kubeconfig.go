// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

// Package standalone gives a standalone server what a cluster would otherwise provide: a token, authorization, and a
// kubeconfig for clients.
package standalone

import (
	"fmt"
	"os"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/rancher-sandbox/engine-apiserver/pkg/cmd/server/state"
)

const (
	contextName = "engine-apiserver"
	clusterName = "engine-apiserver"
	userName    = "engine-apiserver"
)

// KubeconfigName is the name of the kubeconfig file in a state directory.
const KubeconfigName = "kubeconfig"

// Client is what a client needs to know about the server.
type Client struct {
	Server    string
	CA        []byte
	Token     string
	Namespace string
}

// WriteKubeconfig writes the client's kubeconfig. It replaces an empty file or a kubeconfig that has no other contexts.
// It replaces no other file.
func (c Client) WriteKubeconfig(path string) error {
	if err := checkReplaceable(path); err != nil {
		return err
	}
	config := clientcmdapi.NewConfig()
	config.Clusters[clusterName] = &clientcmdapi.Cluster{Server: c.Server, CertificateAuthorityData: c.CA}
	config.AuthInfos[userName] = &clientcmdapi.AuthInfo{Token: c.Token}
	config.Contexts[contextName] = &clientcmdapi.Context{Cluster: clusterName, AuthInfo: userName, Namespace: c.Namespace}
	config.CurrentContext = contextName

	content, err := clientcmd.Write(*config)
	if err != nil {
		return fmt.Errorf("encoding the kubeconfig: %w", err)
	}
	if err := state.Write(path, content); err != nil {
		return unwritable(err)
	}
	return nil
}

func unwritable(err error) error {
	return fmt.Errorf("the kubeconfig cannot be written: %w: choose another file with --write-kubeconfig", err)
}

func checkReplaceable(path string) error {
	content, err := os.ReadFile(path)
	if os.IsNotExist(err) || err == nil && len(content) == 0 {
		return nil
	}
	if err != nil {
		return unwritable(err)
	}
	config, err := clientcmd.Load(content)
	if err != nil {
		return fmt.Errorf("%s is not a kubeconfig: choose another file with --write-kubeconfig", path)
	}
	for name := range config.Contexts {
		if name != contextName {
			return fmt.Errorf("%s has the context %q, which would be lost: choose another file with --write-kubeconfig", path, name)
		}
	}
	return nil
}
