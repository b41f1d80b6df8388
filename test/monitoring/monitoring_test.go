// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

// Package monitoring_test reads a server with Prometheus, and checks what users get for it: the configuration, the alert rules and
// the dashboard.
package monitoring_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/yaml"

	"github.com/rancher-sandbox/engine-apiserver/pkg/generated/clientset/versioned"
	"github.com/rancher-sandbox/engine-apiserver/test/engine"
	"github.com/rancher-sandbox/engine-apiserver/test/kubectl"
	"github.com/rancher-sandbox/engine-apiserver/test/testserver"
)

// artifacts is the directory of what users get.
const artifacts = "../../artifacts/monitoring"

var docker *engine.Engine

func TestMain(m *testing.M) { os.Exit(engine.Main(m, &docker)) }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// prometheus is a Prometheus that scrapes a server.
type prometheus struct{ address string }

// start starts a Prometheus that has the configuration for users, but scrapes more often. An interval is also the timeout of a scrape.
func start(t *testing.T, server *rest.Config) prometheus {
	t.Helper()
	dir := t.TempDir()
	text, err := os.ReadFile(filepath.Join(artifacts, "prometheus.yaml"))
	must(t, err)
	text = []byte(strings.ReplaceAll(string(text), "127.0.0.1:6445", strings.TrimPrefix(server.Host, "https://")))
	var config map[string]any
	must(t, yaml.Unmarshal(text, &config))
	configured, err := time.ParseDuration(config["global"].(map[string]any)["scrape_interval"].(string))
	if err != nil || configured >= time.Minute {
		t.Errorf("Prometheus would scrape every %s (%v), and the server keeps samples for a minute", configured, err)
	}
	config["global"] = map[string]string{"scrape_interval": "5s", "evaluation_interval": "1s"}
	text, err = yaml.Marshal(config)
	must(t, err)
	must(t, rest.LoadTLSFiles(server))
	rules, err := os.ReadFile(filepath.Join(artifacts, "alerts.yaml"))
	must(t, err)
	for name, content := range map[string][]byte{
		"prometheus.yaml": text, "alerts.yaml": rules, "token": []byte(server.BearerToken), "ca.crt": server.CAData,
	} {
		must(t, os.WriteFile(filepath.Join(dir, name), content, 0o600))
	}
	p := prometheus{"127.0.0.1:" + testserver.FreePort(t, "127.0.0.1")}
	command := exec.CommandContext(t.Context(), "prometheus", "--config.file="+filepath.Join(dir, "prometheus.yaml"),
		"--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+p.address)
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	log, err := os.Create(filepath.Join(dir, "log"))
	must(t, err)
	command.Stdout, command.Stderr = log, log
	must(t, command.Start())
	t.Cleanup(func() {
		_ = command.Process.Kill()
		_ = command.Wait()
		log.Close()
		if output, err := os.ReadFile(log.Name()); t.Failed() && err == nil {
			t.Logf("Prometheus says:\n%s", output)
		}
	})
	return p
}

// get reads an answer of Prometheus' API into data.
func (p prometheus) get(ctx context.Context, path string, query url.Values, data any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.address+path+"?"+query.Encode(), nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	answer := struct {
		Status, Error string
		Data          any
	}{Data: data}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return err
	}
	if answer.Status != "success" {
		return fmt.Errorf("GET %s: %s", path, answer.Error)
	}
	return nil
}

// values returns how many series an expression has now.
func (p prometheus) values(t *testing.T, expression string) int {
	t.Helper()
	var found struct{ Result []any }
	if err := p.get(t.Context(), "/api/v1/query", url.Values{"query": {expression}}, &found); err != nil {
		return 0 // it has not started yet
	}
	return len(found.Result)
}

func TestPrometheusScrapesTheServerAndEvaluatesTheRules(t *testing.T) {
	name, network := engine.UniqueName("web"), engine.UniqueName("net")
	docker.Network(t, network, nil)
	docker.Run(t, name, engine.OnNetwork(network))
	config := testserver.Start(t, docker.Host()).Config(t)
	clients, err := versioned.NewForConfig(config)
	must(t, err)
	containers := clients.ContainersV1alpha1().Containers(testserver.Namespace)
	watching, err := containers.Watch(t.Context(), metav1.ListOptions{})
	must(t, err)
	defer watching.Stop()
	log, err := clients.ContainersV1alpha1().RESTClient().Get().Namespace(testserver.Namespace).Resource("containers").Name(name).SubResource("log").
		Param("follow", "true").Stream(t.Context())
	must(t, err)
	defer log.Close()
	p := start(t, config)
	kubectl.Eventually(t, "Prometheus knows the container", func() bool {
		return p.values(t, `rate(container_cpu_usage_seconds_total{container="`+name+`"}[1m])`) == 1
	})
	kubectl.Eventually(t, "both targets are up", func() bool { return p.values(t, "up == 1") == 2 })

	var rules struct {
		Groups []struct {
			Rules []struct{ Name, Health, LastError, State string }
		}
	}
	defer func() {
		if t.Failed() {
			t.Logf("the rules: %+v", rules.Groups)
		}
	}()
	kubectl.Eventually(t, "Prometheus has evaluated the rules, and nothing is wrong", func() bool {
		if err := p.get(t.Context(), "/api/v1/rules", nil, &rules); err != nil {
			return false
		}
		count, quiet := 0, 0
		for _, group := range rules.Groups {
			for _, rule := range group.Rules {
				count++
				if rule.Health == "ok" && rule.State == "inactive" {
					quiet++
				}
			}
		}
		return count > 0 && quiet == count
	})

	for title, expressions := range panels(t, strings.TrimPrefix(config.Host, "https://")) {
		for _, expression := range expressions {
			if title == "Lost events and refused requests" { // there are none
				must(t, p.get(t.Context(), "/api/v1/query", url.Values{"query": {expression}}, &struct{}{}))
				continue
			}
			kubectl.Eventually(t, "the panel "+title+" shows "+expression, func() bool {
				_, err := containers.List(t.Context(), metav1.ListOptions{}) // the server has something to count
				return err == nil && p.values(t, expression) > 0
			})
		}
	}
}

// panels returns the expressions of the panels of the dashboard, for all containers of the server at the address.
func panels(t *testing.T, address string) map[string][]string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(artifacts, "dashboard.json"))
	must(t, err)
	var dashboard struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	must(t, json.Unmarshal(text, &dashboard))
	all := map[string][]string{}
	for _, panel := range dashboard.Panels {
		for _, target := range panel.Targets {
			all[panel.Title] = append(all[panel.Title], strings.NewReplacer("$instance", address, "$container", ".*", "$__rate_interval", "1m").Replace(target.Expr))
		}
	}
	if len(all) < 10 {
		t.Fatalf("the dashboard has the panels %v", all)
	}
	return all
}

func TestTheAlertsFireWhenTheyShould(t *testing.T) {
	for _, args := range [][]string{{"check", "rules", "alerts.yaml"}, {"test", "rules", "alerts_test.yaml"}} {
		command := exec.CommandContext(t.Context(), "promtool", args...)
		command.Dir = artifacts
		if output, err := command.CombinedOutput(); err != nil {
			t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, output)
		}
	}
}
