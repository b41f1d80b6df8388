// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package aggregated_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/net/websocket"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"

	"github.com/rancher-sandbox/engine-apiserver/test/engine"
	"github.com/rancher-sandbox/engine-apiserver/test/kubectl"
)

const (
	directory   = "rdd-controller-manager"
	ourKey      = "containers.rancherdesktop.io"
	otherKey    = "lima.rancherdesktop.io"
	otherEntry  = `{"healthPort":1}`
	desktopLogs = "/passthrough/engine/logs/"
)

// entry is the entry of a program as the readers of desktop programs decode it.
type entry struct {
	HealthPort          int                 `json:"healthPort"`
	MetricsPort         int                 `json:"metricsPort"`
	EnabledControllers  []string            `json:"enabledControllers"`
	EnabledPassthroughs map[string][]string `json:"enabledPassthroughs"`
	StartTime           metav1.Time         `json:"startTime"`
	HealthEndpoint      string              `json:"healthEndpoint"`
	MetricsEndpoint     string              `json:"metricsEndpoint"`
	PassthroughEndpoint string              `json:"passthroughEndpoint"`
}

// desktop is a desktop program whose control plane is the cluster.
type desktop struct {
	configMaps typedcorev1.ConfigMapInterface
}

func newDesktop(t *testing.T) *desktop {
	t.Helper()
	clients, err := kubernetes.NewForConfig(config(t, cluster.Admin()))
	if err != nil {
		t.Fatal(err)
	}
	k := kubectl.Any(t, cluster.Admin())
	k.Apply(t, "apiVersion: v1\nkind: Namespace\nmetadata: {name: rdd-system}\n")
	t.Cleanup(func() { k.OK(t, "delete", "configmap", directory, "-n", "rdd-system", "--ignore-not-found") })
	return &desktop{clients.CoreV1().ConfigMaps("rdd-system")}
}

// begin makes the ConfigMap anew, as the control plane does when it starts.
func (d *desktop) begin(t *testing.T) {
	t.Helper()
	_ = d.configMaps.Delete(t.Context(), directory, metav1.DeleteOptions{}) // the first time, there is none
	configMap := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: directory}, Data: map[string]string{otherKey: otherEntry}}
	if _, err := d.configMaps.Create(t.Context(), configMap, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}

// written returns what the entry of the server holds. The other entry must be there as it was.
func (d *desktop) written(t *testing.T) string {
	t.Helper()
	configMap, err := d.configMaps.Get(t.Context(), directory, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if other := configMap.Data[otherKey]; other != otherEntry {
		t.Errorf("the entry of the other program is %q", other)
	}
	return configMap.Data[ourKey]
}

// await waits until the entry of the server differs from another.
func (d *desktop) await(t *testing.T, other string) (raw string, decoded entry) {
	t.Helper()
	kubectl.Eventually(t, "the server has its entry", func() bool {
		raw = d.written(t)
		return raw != "" && raw != other
	})
	if err := json.Unmarshal([]byte(raw), &decoded); err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	return raw, decoded
}

// proxy forwards requests for logs as the control plane of a desktop program does.
func proxy(t *testing.T, endpoint string) *httptest.Server {
	t.Helper()
	target, err := url.Parse(endpoint)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.StripPrefix("/passthrough", httputil.NewSingleHostReverseProxy(target)))
	t.Cleanup(server.Close)
	return server
}

// read returns the log of a container.
func read(t *testing.T, address, path string, header http.Header) (string, error) {
	t.Helper()
	config, err := websocket.NewConfig("ws"+strings.TrimPrefix(address, "http")+path+"?follow=false", address)
	if err != nil {
		t.Fatal(err)
	}
	config.Header = header
	conn, err := config.DialContext(t.Context())
	if err != nil {
		return "", err
	}
	defer conn.Close()
	log, err := io.ReadAll(conn)
	return string(log), err
}

func TestADesktopProgramFindsTheServerAndReadsLogsByIt(t *testing.T) {
	s := serve(t)
	d := newDesktop(t)
	d.begin(t)
	_, found := d.await(t, "")
	if len(found.EnabledControllers) != 1 || found.EnabledControllers[0] != "engine" || fmt.Sprint(found.EnabledPassthroughs) != "map[engine:[logs]]" ||
		found.StartTime.IsZero() || found.HealthPort == 0 || fmt.Sprint(found.MetricsPort) != s.port ||
		found.MetricsEndpoint != "https://127.0.0.1:"+s.port+"/metrics" {
		t.Errorf("%+v", found)
	}
	response, err := http.Get(found.HealthEndpoint)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusOK || !strings.HasPrefix(found.HealthEndpoint, fmt.Sprintf("http://127.0.0.1:%d/", found.HealthPort)) {
		t.Errorf("%s: %s", found.HealthEndpoint, response.Status)
	}

	name := engine.UniqueName("desktop")
	docker.Run(t, name, engine.Command("sh", "-c", "echo one; sleep 123456"))
	control := proxy(t, found.PassthroughEndpoint)
	k := kubectl.Any(t, cluster.Admin())
	k.Apply(t, "apiVersion: v1\nkind: Namespace\nmetadata: {name: rancher-desktop}\n")
	k.Apply(t, "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: desktop, namespace: default}\n")
	k.OK(t, "create", "rolebinding", "desktop", "--clusterrole=view", "--serviceaccount=default:desktop", "-n", namespace)
	t.Cleanup(func() { k.OK(t, "delete", "rolebinding", "desktop", "-n", namespace) })
	token := bearer(strings.TrimSpace(k.OK(t, "create", "token", "desktop", "-n", "default")))
	kubectl.Eventually(t, "the role reaches the user", func() bool {
		status, _ := s.ask(t, containers+name, token)
		return status == http.StatusOK
	})
	// The port has no TLS, so nobody has to trust it with a token.
	if log, err := read(t, control.URL, desktopLogs+name, token); err == nil {
		t.Errorf("the cluster has not allowed anybody to read the log without TLS: %q", log)
	}
	k.OK(t, "create", "role", "desktop-logs", "-n", namespace, "--verb=get", "--resource=containers.containers.rancherdesktop.io/log")
	k.OK(t, "create", "rolebinding", "desktop-logs", "-n", namespace, "--role=desktop-logs", "--user=system:anonymous")
	t.Cleanup(func() { k.OK(t, "delete", "role,rolebinding", "desktop-logs", "-n", namespace) })
	kubectl.Eventually(t, "the log is read", func() bool {
		log, err := read(t, control.URL, desktopLogs+name, nil)
		return err == nil && log == "one\n"
	})
	for _, path := range []string{desktopLogs + name, strings.TrimPrefix(desktopLogs, "/passthrough") + name} {
		if log, err := read(t, strings.TrimSuffix(found.PassthroughEndpoint, "/"), path, nil); err != nil || log != "one\n" {
			t.Errorf("%s, without a proxy: %q, %v", path, log, err)
		}
	}
}

func TestTheEntryOfTheServerComesAndGoesWithIt(t *testing.T) {
	s := serve(t)
	d := newDesktop(t)
	d.begin(t)
	first, _ := d.await(t, "")
	d.begin(t)
	if again, _ := d.await(t, ""); again != first {
		t.Errorf("after a restart of the control plane the entry is %s, want %s", again, first)
	}

	s.Terminate(t)
	if left := d.written(t); left != "" {
		t.Errorf("a server that ended left %s", left)
	}
	s.start(t)
	second, _ := d.await(t, "")
	s.Kill()
	if left := d.written(t); left != second {
		t.Errorf("the entry of a server that was killed is %s, want %s", left, second)
	}
	s.start(t)
	d.await(t, second)

	const later = `{"healthPort":2}`
	kubectl.Any(t, cluster.Admin()).OK(t, "patch", "configmap", directory, "-n", "rdd-system", "--type=merge",
		"-p", fmt.Sprintf(`{"data":{%q:%q}}`, ourKey, later))
	s.Terminate(t)
	if left := d.written(t); left != later {
		t.Errorf("the entry of a server that started later is %q, want %q", left, later)
	}
	s.start(t)
	d.await(t, later)
}

func TestWithoutAPortForDesktopProgramsTheyAreToldTheHTTPSAddress(t *testing.T) {
	s := serve(t, "--passthrough-bind-address", "")
	d := newDesktop(t)
	d.begin(t)
	_, found := d.await(t, "")
	address := "https://127.0.0.1:" + s.port
	if found.HealthEndpoint != address+"/livez" || found.PassthroughEndpoint != address+"/passthrough/" || fmt.Sprint(found.HealthPort) != s.port {
		t.Errorf("%+v", found)
	}
}
