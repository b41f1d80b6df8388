// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package registration

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"syscall"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utilnet "k8s.io/apimachinery/pkg/util/net"
	"k8s.io/apimachinery/pkg/version"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	certutil "k8s.io/client-go/util/cert"
	aggregator "k8s.io/kube-aggregator/pkg/client/clientset_generated/clientset"
)

// requestTimeout bounds each request to a cluster.
const requestTimeout = 15 * time.Second

// Cluster is the cluster in which a server is registered.
type Cluster struct {
	url        string
	source     string // the file that the credentials come from
	config     *rest.Config
	dynamic    dynamic.Interface
	kubernetes kubernetes.Interface
	aggregator aggregator.Interface
}

// Load returns the cluster of a context in a kubeconfig. An empty kubeconfig means the files that kubectl would use, and
// an empty contextName means the current context. Load sends no request to the cluster.
func Load(kubeconfig, contextName string) (*Cluster, error) {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = kubeconfig
	rules.WarnIfAllMissing = false
	files := []string{kubeconfig}
	if kubeconfig == "" {
		files = rules.Precedence
	}
	source := strings.Join(files, ", ")
	missing := 0
	for _, file := range files {
		info, err := os.Stat(file)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			missing++
		case err == nil && info.IsDir():
			return nil, fmt.Errorf("%s is a directory: name the kubeconfig in it with --kubeconfig", file)
		}
	}
	if missing == len(files) {
		return nil, fmt.Errorf("there is no kubeconfig %s: name one with --kubeconfig", source)
	}
	raw, err := rules.Load()
	switch {
	case errors.Is(err, fs.ErrPermission):
		return nil, fmt.Errorf("the kubeconfig %s cannot be read: %w", source, err)
	case err != nil:
		return nil, fmt.Errorf("%s is not a kubeconfig: %s", source, oneLine(err.Error()))
	case len(raw.Contexts) == 0 && len(raw.Clusters) == 0:
		return nil, fmt.Errorf("the kubeconfig %s is empty: name one with --kubeconfig", source)
	}
	if contextName == "" {
		contextName = raw.CurrentContext
	}
	if contextName == "" {
		return nil, fmt.Errorf("the kubeconfig %s has no current context: choose one with --context", source)
	}
	chosen := raw.Contexts[contextName]
	if chosen == nil {
		return nil, fmt.Errorf("the kubeconfig %s has no context %q: choose another context with --context", source, contextName)
	}
	if raw.Clusters[chosen.Cluster] == nil {
		return nil, fmt.Errorf("context %q of the kubeconfig %s names the cluster %q, which is not in the file: choose another context with --context", contextName, source, chosen.Cluster)
	}
	config, err := clientcmd.NewNonInteractiveClientConfig(*raw, contextName, &clientcmd.ConfigOverrides{}, rules).ClientConfig()
	if err != nil {
		return nil, fmt.Errorf("context %q of the kubeconfig %s: %s", contextName, source, oneLine(err.Error()))
	}
	return newCluster(config, source)
}

func newCluster(config *rest.Config, source string) (*Cluster, error) {
	config = rest.CopyConfig(config)
	config.Timeout = requestTimeout
	config.QPS = -1 // requests are few
	config.WarningHandler = rest.NoWarnings{}
	url, _, err := rest.DefaultServerUrlFor(config)
	if err != nil {
		return nil, fmt.Errorf("the kubeconfig %s: %w", source, err)
	}
	c := &Cluster{url: strings.TrimSuffix(url.String(), "/"), source: source, config: config}
	if c.kubernetes, err = kubernetes.NewForConfig(config); err != nil {
		return nil, fmt.Errorf("the kubeconfig %s: %w", source, err)
	}
	if c.aggregator, err = aggregator.NewForConfig(config); err != nil {
		return nil, fmt.Errorf("the kubeconfig %s: %w", source, err)
	}
	if c.dynamic, err = dynamic.NewForConfig(config); err != nil {
		return nil, fmt.Errorf("the kubeconfig %s: %w", source, err)
	}
	return c, nil
}

// User returns the name of the user that the cluster knows the credentials by.
func (c *Cluster) User(ctx context.Context) (string, error) {
	review, err := c.kubernetes.AuthenticationV1().SelfSubjectReviews().Create(ctx, &authenticationv1.SelfSubjectReview{}, metav1.CreateOptions{})
	if err != nil {
		return "", c.explain("asking for the name of the user of "+c.source, err)
	}
	return review.Status.UserInfo.Username, nil
}

// UserOffline returns the user name in the client certificate, if the credentials have one. It sends no request.
func (c *Cluster) UserOffline() (string, bool) {
	config := rest.CopyConfig(c.config)
	if err := rest.LoadTLSFiles(config); err != nil {
		return "", false
	}
	certificates, err := certutil.ParseCertsPEM(config.CertData)
	if err != nil {
		return "", false
	}
	return certificates[0].Subject.CommonName, true
}

// Check returns an error if the cluster cannot be reached, is not Kubernetes, or does not aggregate other servers.
func (c *Cluster) Check(ctx context.Context) error {
	result := c.kubernetes.Discovery().RESTClient().Get().AbsPath("/version").Do(ctx)
	err := result.Error() // Raw does not read the Status of a failure
	if err != nil && (isStatus(err) || !apierrors.IsNotFound(err)) {
		return c.explain("", err)
	}
	var info version.Info
	answer, _ := result.Raw()
	if err != nil || json.Unmarshal(answer, &info) != nil || info.GitVersion == "" {
		return fmt.Errorf("the server at %s (%s) is not Kubernetes: its /version is not that of Kubernetes: name another kubeconfig or context", c.url, c.source)
	}
	served, err := c.serves("apiregistration.k8s.io/v1", "apiservices")
	if err == nil && !served {
		err = fmt.Errorf("the control plane at %s has no APIServices, so it cannot aggregate this server: name another kubeconfig or context", c.url)
	}
	return err
}

// serves reports whether the cluster serves a resource.
func (c *Cluster) serves(groupVersion, resource string) (bool, error) {
	resources, err := c.kubernetes.Discovery().ServerResourcesForGroupVersion(groupVersion)
	if apierrors.IsNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, c.explain("asking for the resources of "+groupVersion, err)
	}
	for _, served := range resources.APIResources {
		if served.Name == resource {
			return true, nil
		}
	}
	return false, nil
}

// resource returns a client for an object's kind in the object's namespace.
func (c *Cluster) resource(object *unstructured.Unstructured) dynamic.ResourceInterface {
	resource := c.dynamic.Resource(resourceOf(object))
	if namespace := object.GetNamespace(); namespace != "" {
		return resource.Namespace(namespace)
	}
	return resource
}

func resourceOf(object *unstructured.Unstructured) schema.GroupVersionResource {
	resource, _ := meta.UnsafeGuessKindToResource(object.GroupVersionKind())
	return resource
}

// describe names an object as kubectl does.
func describe(object *unstructured.Unstructured) string {
	kind := object.GroupVersionKind()
	return schema.GroupKind{Group: kind.Group, Kind: strings.ToLower(kind.Kind)}.String() + "/" + object.GetName()
}

// explain turns the error of a request into one line that says what to do. doing says what was tried, and may be empty.
func (c *Cluster) explain(doing string, err error) error {
	if doing != "" {
		doing += ": "
	}
	var (
		unknownAuthority x509.UnknownAuthorityError
		hostname         x509.HostnameError
		dns              *net.DNSError
		address          *url.Error
	)
	cause := err
	if errors.As(err, &address) {
		cause = address.Err
	}
	where := fmt.Sprintf("the control plane at %s (%s)", c.url, c.source)
	switch {
	case apierrors.IsUnauthorized(err):
		return fmt.Errorf("%s%s refuses the credentials (401 Unauthorized): renew them, or name another kubeconfig or context", doing, where)
	case apierrors.IsForbidden(err):
		return fmt.Errorf("%s%s: use the kubeconfig of a cluster administrator", doing, oneLine(err.Error()))
	case utilnet.IsConnectionRefused(err), errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return fmt.Errorf("%s%s cannot be reached: %s: start it, or correct its address in the kubeconfig", doing, where, oneLine(cause.Error()))
	case errors.As(err, &dns):
		return fmt.Errorf("%s%s cannot be found: %s: correct its address in the kubeconfig", doing, where, oneLine(cause.Error()))
	case errors.As(err, &unknownAuthority), errors.As(err, &hostname):
		return fmt.Errorf("%s%s has a certificate that the kubeconfig does not trust: %s: correct the address or the certificate authority in the kubeconfig", doing, where, oneLine(cause.Error()))
	case utilnet.IsTimeout(err), errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%s%s does not answer in time: correct its address in the kubeconfig, or let this machine through the firewall", doing, where)
	case errors.Is(err, http.ErrSchemeMismatch), strings.Contains(err.Error(), "tls: first record does not look like a TLS handshake"):
		return fmt.Errorf("%sthe server at %s (%s) is not Kubernetes: it does not speak HTTPS: name another kubeconfig or context", doing, c.url, c.source)
	case isStatus(err):
		return fmt.Errorf("%s%w", doing, err)
	}
	return fmt.Errorf("%s%s: %s", doing, where, oneLine(err.Error()))
}

// isStatus reports whether an error carries a Status object of a Kubernetes server.
func isStatus(err error) bool {
	var status apierrors.APIStatus
	return errors.As(err, &status) && !apierrors.IsUnexpectedServerError(err) &&
		!apierrors.HasStatusCause(err, metav1.CauseTypeUnexpectedServerResponse)
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }
