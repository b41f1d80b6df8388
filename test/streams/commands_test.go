// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package streams

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/container"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/test/dockerproxy"
	"github.com/rancher-sandbox/engine-apiserver/test/engine"
)

// body returns the body of a command with one field.
func body(kind, field, value string) string {
	return fmt.Sprintf(`{"apiVersion":"containers.rancherdesktop.io/v1alpha1","kind":%q,%q:%q}`, kind, field, value)
}

func (c *client) getInto(t *testing.T, path string, accept string, into any) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, c.host+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Accept", accept)
	response, err := c.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if err := json.NewDecoder(response.Body).Decode(into); err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s: %v", path, response.Status, err)
	}
}

func TestTopShowsTheProcesses(t *testing.T) {
	c, name := serve(t), engine.UniqueName("top")
	id := eng.Run(t, name, engine.Command("sleep", "123456"))
	for _, one := range []string{name, id, id[:12]} {
		var top v1alpha1.ContainerTop
		c.getInto(t, containers+one+"/top", "application/json", &top)
		if top.Kind != "ContainerTop" || top.Name != one || top.UID == "" || !slices.Contains(top.Titles, "PID") || len(top.Processes) != 1 ||
			len(top.Processes[0].Values) != len(top.Titles) || !slices.Contains(top.Processes[0].Values, "sleep 123456") {
			t.Errorf("%+v", top)
		}
	}
	var top v1alpha1.ContainerTop
	c.getInto(t, containers+name+"/top?psArgs=-o+pid,args", "application/json", &top)
	if !slices.Equal(top.Titles, []string{"PID", "COMMAND"}) || len(top.Processes) != 1 || top.Processes[0].Values[1] != "sleep 123456" {
		t.Errorf("%+v", top)
	}
	c.refused(t, http.MethodGet, containers+name+"/top?psArgs=-o+pid,nothing", "", 400, "nothing")
	var table metav1.Table
	c.getInto(t, containers+name+"/top?psArgs=-o+pid,args", "application/json;as=Table;v=v1;g=meta.k8s.io", &table)
	if table.Kind != "Table" || len(table.ColumnDefinitions) != 2 || len(table.Rows) != 1 || table.Rows[0].Cells[1] != "sleep 123456" {
		t.Errorf("%+v", table)
	}
}

func TestTopNeverShowsTheEnvironment(t *testing.T) {
	c, name := serve(t), engine.UniqueName("secret")
	eng.Run(t, name, engine.Command("sleep", "123456"), func(config *container.Config, _ *container.HostConfig) {
		config.Env = []string{"PASSWORD=hunter2"}
	})
	for _, args := range []string{"", "-e", "-f", "-F", "-l", "-ef", "-eF", "-el", "-lf", "-elf", "aux", "-aux", "-o pid,args", "-eo pid,cmd", "-o pid,command",
		"-eo pid,nothing", "auxe", "-auxe", "e", "-o pid,environ"} {
		code, text := c.ask(t, http.MethodGet, containers+name+"/top?psArgs="+strings.ReplaceAll(args, " ", "+"), "")
		if strings.Contains(text, "hunter2") {
			t.Errorf("ps %s shows the environment: %s", args, text)
		}
		t.Logf("ps %s: %d", args, code)
	}
}

func TestTopOfAContainerThatDoesNotRunIs409(t *testing.T) {
	c, name := serve(t), engine.UniqueName("stopped")
	eng.Create(t, name)
	c.refused(t, http.MethodGet, containers+name+"/top", "", 409, "is not running")
	c.refused(t, http.MethodGet, containers+engine.UniqueName("missing")+"/top", "", 404, "not found")
	c.refused(t, http.MethodGet, containers+name+"/top?psArgs=auxe", "", 422, "psArgs")
	c.refused(t, http.MethodGet, containers+name+"/top?ps_args=aux", "", 400, `there is no parameter`)
}

func TestKillSendsASignal(t *testing.T) {
	c, name := serve(t), engine.UniqueName("kill")
	id := eng.Run(t, name, onSignal("echo ready", "echo hup"))
	lines := c.lines(t, name+"?follow=true")
	expectLine(t, lines, "ready")
	for _, one := range []string{name, id, id[:12]} {
		code, text := c.ask(t, http.MethodPost, containers+one+"/kill", body("ContainerKill", "signal", "HUP"))
		var status metav1.Status
		if err := json.Unmarshal([]byte(text), &status); err != nil || code != http.StatusCreated || status.Status != metav1.StatusSuccess ||
			status.Details == nil || status.Details.Name != one || status.Details.UID == "" || status.Details.Kind != "containers" {
			t.Errorf("%d %s: %v", code, text, err)
		}
		expectLine(t, lines, "hup")
	}
	if code, text := c.ask(t, http.MethodPost, containers+name+"/kill", `{"metadata":{"name":"`+name+`"}}`); code != http.StatusCreated {
		t.Errorf("without a signal: %d %s", code, text)
	}
	var killed v1alpha1.Container
	c.getInto(t, containers+name, "application/json", &killed)
	if killed.Status.Status != v1alpha1.ContainerDockerStatusExited || killed.Status.ExitCode != 137 {
		t.Errorf("after SIGKILL: %+v", killed.Status)
	}
	c.refused(t, http.MethodPost, containers+name+"/kill", "{}", 409, "is not running")
}

func TestKillEndsAContainerThatIsBeingStopped(t *testing.T) {
	proxy, config := serveBehindProxy(t)
	c, name := clientOf(t, config), engine.UniqueName("stubborn")
	eng.Run(t, name, engine.Command(engine.Stubborn...))
	eventually(t, "the container is shown", func() bool {
		code, _ := c.ask(t, http.MethodGet, containers+name, "")
		return code == http.StatusOK
	})
	if code, text := c.ask(t, http.MethodDelete, containers+name+"?gracePeriodSeconds=3600", ""); code != http.StatusOK {
		t.Fatalf("%d %s", code, text)
	}
	if code, text := c.ask(t, http.MethodPost, containers+name+"/kill", "{}"); code != http.StatusCreated {
		t.Errorf("%d %s", code, text)
	}
	eventually(t, "the container is removed", func() bool {
		code, _ := c.ask(t, http.MethodGet, containers+name, "")
		return code == http.StatusNotFound
	})
	if !slices.ContainsFunc(proxy.Requests(), func(r dockerproxy.Request) bool { return strings.Contains(r.URI, "/kill") }) {
		t.Error("Docker was not asked to kill the container")
	}
}

func TestRenameGivesAnotherName(t *testing.T) {
	c, name, other, taken := serve(t), engine.UniqueName("old"), engine.UniqueName("New_Name"), engine.UniqueName("taken")
	id := eng.Create(t, name)
	eng.Create(t, taken)
	c.refused(t, http.MethodPost, containers+name+"/rename", body("ContainerRename", "newName", taken), 409, "is already in use by container")
	if code, text := c.ask(t, http.MethodPost, containers+name+"/rename", body("ContainerRename", "newName", other)); code != http.StatusCreated {
		t.Fatalf("%d %s", code, text)
	}
	var renamed v1alpha1.Container
	c.getInto(t, containers+other, "application/json", &renamed)
	if renamed.Status.ID != id {
		t.Errorf("%+v", renamed)
	}
	c.refused(t, http.MethodGet, containers+name, "", 404, "not found")
	if code, text := c.ask(t, http.MethodPost, containers+id[:12]+"/rename", body("ContainerRename", "newName", name)); code != http.StatusCreated {
		t.Errorf("by ID: %d %s", code, text)
	}
	c.getInto(t, containers+name, "application/json", &renamed)
}

func TestCommandsWithMistakesAreRefused(t *testing.T) {
	c, name := serve(t), engine.UniqueName("mistakes")
	eng.Run(t, name)
	missing := engine.UniqueName("missing")
	for _, test := range []struct {
		path, body string
		code       int
		words      string
	}{
		{name + "/kill", body("ContainerKill", "signal", "-9"), 422, "signal"},
		{name + "/kill", body("ContainerKill", "signal", "SIGNOTHING"), 400, "nvalid signal"},
		{name + "/kill", `{"metadata":{"name":"other"}}`, 400, "the name in the path"},
		{name + "/kill", body("ContainerRename", "newName", "ab"), 400, ""},
		{name + "/kill", "x", 400, ""},
		{missing + "/kill", "{}", 404, "not found"},
		{name + "/rename", "{}", 422, "newName"},
		{name + "/rename", body("ContainerRename", "newName", "a/b"), 422, "newName"},
		{name + "/rename", body("ContainerRename", "newName", name), 400, "same name"},
		{missing + "/rename", body("ContainerRename", "newName", "ab"), 404, "not found"},
	} {
		c.refused(t, http.MethodPost, containers+test.path, test.body, test.code, test.words)
	}
	for _, path := range []string{"/kill", "/rename"} {
		for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodDelete} {
			c.refused(t, method, containers+name+path, "", 405, "")
		}
	}
	if state := inspect(t, name).State; !state.Running {
		t.Errorf("the container is %s", state.Status)
	}
}

func TestADryRunOfACommandDoesNothing(t *testing.T) {
	c, name, other := serve(t), engine.UniqueName("dry"), engine.UniqueName("other")
	eng.Run(t, name)
	for path, content := range map[string]string{"/kill": "{}", "/rename": body("ContainerRename", "newName", other)} {
		if code, text := c.ask(t, http.MethodPost, containers+name+path+"?dryRun=All", content); code != http.StatusCreated {
			t.Errorf("%s: %d %s", path, code, text)
		}
	}
	c.refused(t, http.MethodPost, containers+engine.UniqueName("missing")+"/kill?dryRun=All", "{}", 404, "not found")
	c.refused(t, http.MethodPost, containers+name+"/rename?dryRun=All", "{}", 422, "newName")
	if found := inspect(t, name); !found.State.Running || found.Name != "/"+name {
		t.Errorf("%s is %s", found.Name, found.State.Status)
	}
}

func TestAServerThatMayOnlyViewChangesNothing(t *testing.T) {
	name := engine.UniqueName("view")
	eng.Run(t, name, script("echo one; sleep 123456"))
	c := serve(t, "--engine-access=view")
	eventually(t, "the log is read", func() bool { return c.log(t, name) == "one\n" })
	if code, text := c.ask(t, http.MethodGet, containers+name+"/top", ""); code != http.StatusOK {
		t.Errorf("top: %d %s", code, text)
	}
	for _, path := range []string{"/kill", "/rename"} {
		c.refused(t, http.MethodPost, containers+name+path, "{}", 404, "")
	}
	c.refused(t, http.MethodDelete, containers+name, "", 405, "")
	c.refused(t, http.MethodDelete, strings.TrimSuffix(containers, "/"), "", 405, "")
	operator := serve(t, "--engine-access=operate")
	operator.refused(t, http.MethodPost, containers+name+"/rename", body("ContainerRename", "newName", "ab"), 404, "")
	if state := inspect(t, name).State; !state.Running {
		t.Errorf("the container is %s", state.Status)
	}
	if code, text := operator.ask(t, http.MethodPost, containers+name+"/kill", "{}"); code != http.StatusCreated {
		t.Errorf("kill: %d %s", code, text)
	}
}

func inspect(t *testing.T, name string) container.InspectResponse {
	t.Helper()
	found, err := eng.Client().ContainerInspect(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	return found
}
