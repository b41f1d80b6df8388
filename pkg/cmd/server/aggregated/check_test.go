// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package aggregated

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

const (
	versionPath   = "/version"
	reviewPath    = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
	selfPath      = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
	configMapPath = "/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication"
	flowPath      = "/apis/flowcontrol.apiserver.k8s.io/v1"
)

// answer is what a fake control plane answers on a path.
type answer func(http.ResponseWriter, *http.Request)

func text(code int, contentType, body string) answer {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(code)
		fmt.Fprint(w, body)
	}
}

func object(value any) answer {
	content, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return text(http.StatusOK, "application/json", string(content))
}

func status(err *apierrors.StatusError) answer {
	err.ErrStatus.TypeMeta = metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}
	content, _ := json.Marshal(err.ErrStatus)
	return text(int(err.ErrStatus.Code), "application/json", string(content))
}

// reviews answers access reviews. It allows everything except the denied resources.
func reviews(denied ...string) answer {
	return func(w http.ResponseWriter, request *http.Request) {
		body, _ := io.ReadAll(request.Body)
		decoded, _, err := scheme.Codecs.UniversalDeserializer().Decode(body, nil, nil)
		if err != nil {
			panic(err)
		}
		review := decoded.(*authorizationv1.SelfSubjectAccessReview)
		review.Status.Allowed = true
		for _, resource := range denied {
			if review.Spec.ResourceAttributes.Resource == resource {
				review.Status.Allowed = false
			}
		}
		object(review)(w, request)
	}
}

// ready returns the answers of a control plane that has everything the server needs. changed replaces some of them.
func ready(changed map[string]answer) map[string]answer {
	answers := map[string]answer{
		versionPath: object(map[string]string{"gitVersion": "v1.37.2"}),
		reviewPath:  reviews(),
		selfPath: object(authenticationv1.SelfSubjectReview{Status: authenticationv1.SelfSubjectReviewStatus{
			UserInfo: authenticationv1.UserInfo{Username: "alice"}}}),
		configMapPath: object(map[string]any{"kind": "ConfigMap", "apiVersion": "v1", "data": map[string]string{requestHeaderCAFile: "pem"}}),
		flowPath:      object(metav1.APIResourceList{}),
	}
	maps.Copy(answers, changed)
	return answers
}

func serveAnswers(t *testing.T, answers map[string]answer) *httptest.Server {
	t.Helper()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		if answer := answers[request.URL.Path]; answer != nil {
			answer(w, request)
			return
		}
		http.NotFound(w, request)
	}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	return server
}

// kubeconfigOf writes a kubeconfig for a server. The kubeconfig trusts the certificate, if there is one.
func kubeconfigOf(t *testing.T, url string, certificate []byte) string {
	t.Helper()
	config := clientcmdapi.NewConfig()
	cluster := &clientcmdapi.Cluster{Server: url}
	if certificate != nil {
		cluster.CertificateAuthorityData = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate})
	}
	config.Clusters["c"], config.AuthInfos["u"] = cluster, &clientcmdapi.AuthInfo{Token: "secret"}
	config.Contexts["c"], config.CurrentContext = &clientcmdapi.Context{Cluster: "c", AuthInfo: "u"}, "c"
	path := filepath.Join(t.TempDir(), "kubeconfig")
	if err := clientcmd.WriteToFile(*config, path); err != nil {
		t.Fatal(err)
	}
	return path
}

func controlPlaneOf(t *testing.T, kubeconfig string, change ...func(*Options)) *ControlPlane {
	t.Helper()
	options := NewOptions()
	options.coreAPI.CoreAPIKubeconfigPath = kubeconfig
	for _, set := range change {
		set(options)
	}
	options.Complete()
	controlPlane, err := options.ControlPlane()
	if err != nil {
		t.Fatal(err)
	}
	return controlPlane
}

func trusted(t *testing.T, server *httptest.Server, change ...func(*Options)) *ControlPlane {
	t.Helper()
	return controlPlaneOf(t, kubeconfigOf(t, server.URL, server.Certificate().Raw), change...)
}

// checkError checks that err is on one line, holds the parts and no secret, and is a Pending error or not.
func checkError(t *testing.T, name string, err error, pending bool, parts ...string) {
	t.Helper()
	var waits *Pending
	if err == nil || errors.As(err, &waits) != pending {
		t.Errorf("%s: %v, want a Pending error: %t", name, err, pending)
		return
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%s: %q is not in %q", name, part, err)
		}
	}
	if strings.ContainsAny(err.Error(), "\n") || strings.Contains(err.Error(), "secret") {
		t.Errorf("%s: %q", name, err)
	}
}

func TestWhatAControlPlaneLacksIsNamedWithTheWayOut(t *testing.T) {
	resource := schema.GroupResource{Resource: "configmaps"}
	forbidden := apierrors.NewForbidden(resource, configMapName, errors.New(`User "alice" cannot get resource`))
	const html = "<html><body>Sign in</body></html>"
	for name, test := range map[string]struct {
		changed map[string]answer
		pending bool
		parts   []string
	}{
		"web page":            {map[string]answer{versionPath: text(200, "text/html", html)}, false, []string{"not a Kubernetes API server", "https://127.0.0.1", "kubeconfig"}},
		"another API":         {map[string]answer{versionPath: text(200, "application/json", `{"name":"x"}`)}, false, []string{"not a Kubernetes API server"}},
		"404 of a web server": {map[string]answer{versionPath: text(404, "text/plain", "404 page not found")}, false, []string{"not a Kubernetes API server", "404"}},
		"login page":          {map[string]answer{versionPath: text(401, "text/html", html)}, false, []string{"not a Kubernetes API server", "401"}},
		"starting":            {map[string]answer{versionPath: text(503, "text/html", html)}, true, []string{"not ready", "503"}},
		"starting, slowly":    {map[string]answer{configMapPath: status(apierrors.NewInternalError(errors.New("etcd")))}, true, []string{"not ready", "500"}},
		"too busy":            {map[string]answer{versionPath: status(apierrors.NewTooManyRequests("later", 0))}, true, []string{"not ready", "429"}},
		"unknown user":        {map[string]answer{versionPath: status(apierrors.NewUnauthorized("who?"))}, true, []string{"credentials", "401", "kubeconfig"}},
		"no rules yet":        {map[string]answer{versionPath: status(forbidden)}, true, []string{`User "alice"`, "engine-apiserver register"}},
		"no token reviews": {map[string]answer{reviewPath: reviews("tokenreviews")}, true,
			[]string{`"alice"`, "create tokenreviews.authentication.k8s.io", "engine-apiserver register", "--server-user alice"}},
		"no access reviews": {map[string]answer{reviewPath: reviews("subjectaccessreviews")}, true,
			[]string{`"alice"`, "create subjectaccessreviews.authorization.k8s.io", "engine-apiserver register"}},
		"no configmap rights": {map[string]answer{reviewPath: reviews("configmaps")}, true,
			[]string{`"alice"`, "get/list/watch configmaps kube-system/extension-apiserver-authentication", "engine-apiserver register"}},
		"no configmap": {map[string]answer{configMapPath: status(apierrors.NewNotFound(resource, configMapName))}, true,
			[]string{"kube-system/extension-apiserver-authentication", "--requestheader-client-ca-file"}},
		"empty configmap": {map[string]answer{configMapPath: object(map[string]any{})}, true,
			[]string{"kube-system/extension-apiserver-authentication", "--requestheader-client-ca-file"}},
	} {
		controlPlane := trusted(t, serveAnswers(t, ready(test.changed)))
		err := controlPlane.Check(t.Context())
		checkError(t, name, err, test.pending, test.parts...)
	}
}

func TestAControlPlaneThatHasAllIsReliedOn(t *testing.T) {
	if err := trusted(t, serveAnswers(t, ready(nil))).Check(t.Context()); err != nil {
		t.Error(err)
	}
	// A control plane may lack /version. It may lack the ConfigMap if flags replace its content.
	file := filepath.Join(t.TempDir(), "ca")
	for _, test := range []struct {
		changed map[string]answer
		change  func(*Options)
	}{
		{map[string]answer{versionPath: status(apierrors.NewNotFound(schema.GroupResource{}, ""))}, func(*Options) {}},
		{map[string]answer{configMapPath: nil, reviewPath: reviews("configmaps")}, func(o *Options) { o.authentication.RequestHeader.ClientCAFile = file }},
		{map[string]answer{configMapPath: nil, reviewPath: reviews("configmaps")}, func(o *Options) { o.authentication.SkipInClusterLookup = true }},
		{map[string]answer{configMapPath: nil, reviewPath: reviews("configmaps")}, func(o *Options) { o.authentication.TolerateInClusterLookupFailure = true }},
	} {
		if err := trusted(t, serveAnswers(t, ready(test.changed)), test.change).Check(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

func TestEachOfThreeKubeconfigsIsAskedForItsOwnRights(t *testing.T) {
	authentication := serveAnswers(t, ready(map[string]answer{reviewPath: reviews("subjectaccessreviews", "flowschemas")}))
	authorization := serveAnswers(t, ready(map[string]answer{reviewPath: reviews("tokenreviews", "configmaps", "flowschemas"), configMapPath: nil}))
	core := serveAnswers(t, ready(map[string]answer{reviewPath: reviews("tokenreviews", "subjectaccessreviews", "configmaps"), configMapPath: nil}))
	controlPlane := trusted(t, core, func(o *Options) {
		o.authentication.RemoteKubeConfigFile = kubeconfigOf(t, authentication.URL, authentication.Certificate().Raw)
		o.authorization.RemoteKubeConfigFile = kubeconfigOf(t, authorization.URL, authorization.Certificate().Raw)
	})
	if err := controlPlane.Check(t.Context()); err != nil {
		t.Error(err)
	}
	if lacking, err := controlPlane.CheckPriority(t.Context()); lacking != nil || err != nil {
		t.Error(lacking, err)
	}
}

func TestWhatPriorityNeedsIsNoReasonToWait(t *testing.T) {
	for name, test := range map[string]struct {
		changed map[string]answer
		lacking string
		pending bool
	}{
		"all":         {nil, "", false},
		"no rights":   {map[string]answer{reviewPath: reviews("flowschemas")}, "list/watch flowschemas.flowcontrol.apiserver.k8s.io", false},
		"no such API": {map[string]answer{flowPath: nil}, "has none", false},
		"not ready":   {map[string]answer{flowPath: text(503, "text/plain", "")}, "", true},
	} {
		lacking, err := trusted(t, serveAnswers(t, ready(test.changed))).CheckPriority(t.Context())
		if (err != nil) != test.pending || (lacking != nil) != (test.lacking != "") {
			t.Errorf("%s: %v, %v", name, lacking, err)
		}
		if lacking != nil && !strings.Contains(lacking.Error(), test.lacking) {
			t.Errorf("%s: %v, want %s", name, lacking, test.lacking)
		}
	}
}

func TestAnAddressWhereNoControlPlaneIsIsNamed(t *testing.T) {
	server := serveAnswers(t, ready(nil))
	checkError(t, "unknown authority", controlPlaneOf(t, kubeconfigOf(t, server.URL, nil)).Check(t.Context()), false, server.URL, "certificate")

	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	url := strings.Replace(plain.URL, "http:", "https:", 1)
	checkError(t, "no TLS", controlPlaneOf(t, kubeconfigOf(t, url, nil)).Check(t.Context()), false, url, "not a Kubernetes API server")

	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	url = "https://" + listener.Addr().String()
	hanging := controlPlaneOf(t, kubeconfigOf(t, url, nil))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	checkError(t, "no answer", hanging.Check(ctx), true, url, "no answer within")
	listener.Close()
	first, second := hanging.Check(t.Context()), hanging.Check(t.Context())
	checkError(t, "refused", first, true, url, "refused", "start it", "kubeconfig")
	if first.Error() != second.Error() {
		t.Errorf("the same problem has two texts: %q and %q", first, second)
	}
}

func TestWhetherTheServerIsRegisteredIsAsked(t *testing.T) {
	const apiService, service = "/apis/apiregistration.k8s.io/v1/apiservices/v1.g", "/api/v1/namespaces/ns/services/s"
	for name, test := range map[string]struct {
		changed map[string]answer
		want    bool
	}{
		"neither":       {nil, false},
		"an APIService": {map[string]answer{apiService: object(map[string]any{})}, true},
		"a Service":     {map[string]answer{service: object(map[string]any{})}, true},
		"no right":      {map[string]answer{apiService: text(403, "text/plain", "")}, true},
	} {
		controlPlane := trusted(t, serveAnswers(t, ready(test.changed)))
		if got := controlPlane.Registered(t.Context(), schema.GroupVersion{Group: "g", Version: "v1"}, "ns", "s"); got != test.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

func TestAKubeconfigOfNoUseIsNamed(t *testing.T) {
	t.Setenv("KUBERNETES_SERVICE_HOST", "")
	dir := t.TempDir()
	for content, parts := range map[string][]string{
		"":                                 {"no current context"},
		"hello":                            {"is not a kubeconfig"},
		"kind: Config\napiVersion: v1\n":   {"no current context"},
		"kind: Config\ncurrent-context: x": {"specified context: x"},
		"kind: Config\ncurrent-context: x\ncontexts: [{name: x, context: {cluster: c}}]\nclusters: [{name: c, cluster: {server: 'https://h', certificate-authority: none.pem}}]": {"none.pem"},
	} {
		file := filepath.Join(dir, "file")
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		checkUnusable(t, file, append(parts, file)...)
	}
	checkUnusable(t, filepath.Join(dir, "none"), "none", "no such file")
	checkUnusable(t, "", "--aggregated", "--kubeconfig")
}

func checkUnusable(t *testing.T, file string, parts ...string) {
	t.Helper()
	options := NewOptions()
	options.authorization.RemoteKubeConfigFile = file
	options.Complete()
	_, err := options.ControlPlane()
	if err == nil {
		t.Errorf("%s is accepted", file)
		return
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q is not in %q", part, err)
		}
	}
	if strings.Contains(err.Error(), "\n") {
		t.Errorf("more than one line: %q", err)
	}
}
