// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package aggregated

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

var errOutsideOfCluster = errors.New("--aggregated outside of a cluster needs --kubeconfig, the kubeconfig of the control plane")

// ControlPlane is the control plane that a server serves behind. Three kubeconfigs may lead to it.
type ControlPlane struct {
	// Config reaches the control plane by --kubeconfig.
	Config *rest.Config

	core, authentication, authorization *client
	lookup                              bool // the server needs the ConfigMap of kube-apiserver
}

// client is a client of the control plane with the credentials of one kubeconfig.
type client struct {
	kubernetes.Interface
	url    string
	source string // where the credentials come from
}

// ControlPlane returns the control plane of the kubeconfigs. It sends no request.
func (o *Options) ControlPlane() (*ControlPlane, error) {
	c := &ControlPlane{lookup: !o.authentication.SkipInClusterLookup && !o.authentication.TolerateInClusterLookupFailure &&
		o.authentication.RequestHeader.ClientCAFile == ""}
	for _, kubeconfig := range []struct {
		flag, file string
		client     **client
	}{
		{"--kubeconfig", o.coreAPI.CoreAPIKubeconfigPath, &c.core},
		{"--authentication-kubeconfig", o.authentication.RemoteKubeConfigFile, &c.authentication},
		{"--authorization-kubeconfig", o.authorization.RemoteKubeConfigFile, &c.authorization},
	} {
		config, source, err := load(kubeconfig.file)
		if errors.Is(err, rest.ErrNotInCluster) {
			return nil, errOutsideOfCluster
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", kubeconfig.flag, err)
		}
		if c.Config == nil {
			c.Config = rest.CopyConfig(config)
		}
		config.QPS = -1 // no client-side limit: checks are few and bounded in time
		config.WarningHandler = rest.NoWarnings{}
		clientset, err := kubernetes.NewForConfig(config)
		if err != nil {
			return nil, fmt.Errorf("%s: %s: %w", kubeconfig.flag, source, err)
		}
		url, _, err := rest.DefaultServerUrlFor(config)
		if err != nil {
			return nil, fmt.Errorf("%s: %s: %w", kubeconfig.flag, source, err)
		}
		*kubeconfig.client = &client{clientset, strings.TrimSuffix(url.String(), "/"), source}
	}
	return c, nil
}

// URL returns the address of the control plane.
func (c *ControlPlane) URL() string { return c.core.url }

// Registered reports whether the control plane has an APIService of the group version, or the Service that lets a starting
// server restore it. It also reports true if the APIService cannot be read.
func (c *ControlPlane) Registered(ctx context.Context, version schema.GroupVersion, serviceNamespace, serviceName string) bool {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	name := version.Version + "." + version.Group
	err := c.core.Discovery().RESTClient().Get().AbsPath("/apis/apiregistration.k8s.io/v1/apiservices", name).Do(ctx).Error()
	if !apierrors.IsNotFound(err) {
		return true
	}
	_, err = c.core.CoreV1().Services(serviceNamespace).Get(ctx, serviceName, metav1.GetOptions{})
	return err == nil
}

// load reads a kubeconfig. Without a file it uses the service account of the pod. source says where the credentials come from.
func load(file string) (config *rest.Config, source string, err error) {
	if file == "" {
		config, err := rest.InClusterConfig()
		return config, "the pod's service account", err
	}
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, "", err
	}
	kubeconfig, err := clientcmd.Load(content)
	if err != nil {
		return nil, "", fmt.Errorf("%s is not a kubeconfig", file)
	}
	if kubeconfig.CurrentContext == "" {
		return nil, "", fmt.Errorf("%s has no current context: choose one with kubectl config use-context", file)
	}
	// Relative paths in the file start from the file's directory.
	rules := &clientcmd.ClientConfigLoadingRules{ExplicitPath: file}
	config, err = clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, nil).ClientConfig()
	if err != nil {
		return nil, "", fmt.Errorf("%s: %s", file, oneLine(err.Error()))
	}
	return config, file, nil
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }
