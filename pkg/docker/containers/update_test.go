// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package containers

import (
	"encoding/json"
	"testing"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/network"
	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/resource"
	"sigs.k8s.io/yaml"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/dockertest"
	"github.com/rancher-sandbox/engine-apiserver/test/engine"
)

// withSpec returns a container whose spec has these fields in YAML.
func withSpec(t *testing.T, fields string) *v1alpha1.Container {
	t.Helper()
	c := &v1alpha1.Container{}
	dockertest.Must(t, yaml.UnmarshalStrict([]byte(fields), &c.Spec))
	return c
}

func TestDockerIsAskedOnlyForWhatChanges(t *testing.T) {
	for _, test := range []struct{ before, after, want string }{
		{`{}`, `{}`, ``},
		{`{}`, `restartPolicy: {name: "no"}`, ``},
		{`resources: {cpu: "1", memory: 1Gi}`, `resources: {cpu: 1000m, memory: 1024Mi}`, ``},
		{`{}`, `resources: {}`, ``},
		{`resources: {cpu: "1", pids: 5}`, `resources: {cpu: 1.5, pids: 5}`, `{"NanoCpus":1500000000}`},
		{`{}`, `resources: {memory: 10Mi}`, `{"Memory":10485760,"MemorySwap":20971520}`},
		{`resources: {memory: 10Mi}`, `resources: {memory: 20Mi}`, `{"Memory":20971520,"MemorySwap":41943040}`},
		{`resources: {memory: 10Mi, memorySwap: 40Mi}`, `resources: {memory: 20Mi, memorySwap: 40Mi}`, `{"Memory":20971520}`},
		{`resources: {memory: 10Mi, memorySwap: 40Mi}`, `resources: {memory: 10Mi}`, `{"MemorySwap":20971520}`},
		{`resources: {memory: 10Mi, memorySwap: 40Mi}`, `resources: {memory: 10Mi, memorySwap: "-1"}`, `{"MemorySwap":-1}`},
		{`resources: {memory: 10Mi, memorySwap: "-1"}`, `resources: {memory: 20Mi, memorySwap: "-1"}`, `{"Memory":20971520,"MemorySwap":-1}`},
		{`resources: {memory: 10Mi, memorySwap: "-1"}`, `resources: {cpu: "1", memory: 10Mi, memorySwap: "-1"}`, `{"NanoCpus":1000000000}`},
		{`resources: {memory: 10Mi}`, `resources: {memory: 10Mi, memoryReservation: 8Mi}`, `{"MemoryReservation":8388608}`},
		{`resources: {pids: 5}`, `resources: {}`, `{"PidsLimit":-1}`},
		{`resources: {pids: 5}`, `{}`, `{"PidsLimit":-1}`},
		{`resources: {cpuShares: 5, cpuset: "0"}`, `resources: {cpuShares: 6, cpuset: "0,1"}`, `{"CpuShares":6,"CpusetCpus":"0,1"}`},
		{`restartPolicy: {name: always}`, `{}`, `{"RestartPolicy":{"Name":"no"}}`},
		{`restartPolicy: {name: always}`, `restartPolicy: {name: on-failure, maximumRetryCount: 3}`, `{"RestartPolicy":{"Name":"on-failure","MaximumRetryCount":3}}`},
	} {
		t.Run(test.before+" -> "+test.after, func(t *testing.T) {
			update, err := updateOf(withSpec(t, test.before), withSpec(t, test.after))
			dockertest.Must(t, err)
			if update == nil {
				if test.want != "" {
					t.Fatalf("nothing is asked for, want %s", test.want)
				}
				return
			}
			got, err := json.Marshal(nonZero(t, update))
			dockertest.Must(t, err)
			if string(got) != canonical(t, test.want) {
				t.Errorf("Docker is asked for %s, want %s", got, test.want)
			}
		})
	}
}

// nonZero returns the fields of a request that are not zero. Zero means to Docker that a value stays.
func nonZero(t *testing.T, request any) map[string]any {
	t.Helper()
	text, err := json.Marshal(request)
	dockertest.Must(t, err)
	fields := map[string]any{}
	dockertest.Must(t, json.Unmarshal(text, &fields))
	return dropZero(fields)
}

func dropZero(fields map[string]any) map[string]any {
	for name, value := range fields {
		switch value := value.(type) {
		case map[string]any:
			if len(dropZero(value)) == 0 {
				delete(fields, name)
			}
		case nil:
			delete(fields, name)
		case float64:
			if value == 0 {
				delete(fields, name)
			}
		case string:
			if value == "" {
				delete(fields, name)
			}
		}
	}
	return fields
}

func canonical(t *testing.T, text string) string {
	t.Helper()
	var value any
	dockertest.Must(t, json.Unmarshal([]byte(text), &value))
	written, err := json.Marshal(value)
	dockertest.Must(t, err)
	return string(written)
}

// change updates a container of the engine, and returns what Docker then says about it.
func (r *real) change(t *testing.T, id string, change func(*v1alpha1.ContainerSpec)) *container.InspectResponse {
	t.Helper()
	before := r.read(t, id)
	after := before.DeepCopy()
	change(&after.Spec)
	dockertest.Must(t, r.Update(t.Context(), id, before, after))
	return r.engine.Inspect(t, id)
}

func TestProcessorTimeIsLimitedInTheWayInWhichItWasLimitedAtFirst(t *testing.T) {
	r := connect(t)
	id := r.engine.Create(t, engine.UniqueName("quota"), func(_ *container.Config, host *container.HostConfig) { host.CPUQuota = 50_000 })
	now := r.change(t, id, func(spec *v1alpha1.ContainerSpec) { spec.Resources.CPU = new(resource.MustParse("250m")) })
	if host := now.HostConfig; host.CPUQuota != 25_000 || host.NanoCPUs != 0 || r.read(t, id).Spec.Resources.CPU.String() != "250m" {
		t.Errorf("Docker says %+v", host.Resources)
	}
}

func TestAContainerWithoutNetworksInItsSpecKeepsTheDefaultOne(t *testing.T) {
	now := map[string]*network.EndpointSettings{"bridge": {NetworkID: "id-bridge"}, "web": {NetworkID: "id-web"}}
	steps, wrong := networkSteps(now, nil, defaultOf(now), networkIDs{"bridge": {"id-bridge"}, "web": {"id-web"}})
	if len(wrong) > 0 || len(steps) != 1 || describe(steps[0]) != "leave web" {
		t.Errorf("%v, %v", steps, wrong)
	}
}

func TestAContainerJoinsNetworksBeforeItLeavesOthers(t *testing.T) {
	known := networkIDs{"a": {"id-a"}, "b": {"id-b"}, "c": {"id-c"}, "bridge": {"id-bridge"}, "none": {"id-none"}, "twice": {"id-1", "id-2"}}
	type steps []string
	for _, test := range []struct {
		name          string
		now           []string
		before, after string
		want          steps
	}{
		{"nothing", []string{"a"}, `networks: [{name: a}]`, `networks: [{name: a}]`, nil},
		{"another order", []string{"a", "b"}, `networks: [{name: a}, {name: b}]`, `networks: [{name: b}, {name: a}]`, nil},
		{"one more", []string{"a"}, `networks: [{name: a}]`, `networks: [{name: a}, {name: b, aliases: [x]}]`, steps{"join b [x]"}},
		{"one less", []string{"a", "b"}, `networks: [{name: a}, {name: b}]`, `networks: [{name: b}]`, steps{"leave a"}},
		{"all others", []string{"a", "b"}, `networks: [{name: a}, {name: b}]`, `networks: [{name: c}]`, steps{"join c []", "leave a", "leave b"}},
		{"none", []string{"a"}, `networks: [{name: a}]`, `{}`, steps{"leave a"}},
		{"another alias", []string{"a"}, `networks: [{name: a, aliases: [x]}]`, `networks: [{name: a, aliases: [z]}]`, steps{"leave and join a [z]"}},
		{"from the network that is not shown", []string{"bridge"}, `{}`, `networks: [{name: a}]`, steps{"join a []", "leave bridge"}},
		{"beside the network that is not shown", []string{"bridge"}, `{}`, `networks: [{name: bridge}, {name: a}]`, steps{"join a []"}},
		{"from no network", []string{"none"}, `{}`, `networks: [{name: a}]`, steps{"leave none", "join a []"}},
		{"one that others have joined meanwhile", []string{"a", "b"}, `networks: [{name: a}]`, `networks: [{name: a}, {name: b}]`, nil},
		{"one that others have left meanwhile", nil, `networks: [{name: a}]`, `networks: [{name: a}, {name: b}]`, steps{"join a []", "join b []"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			now := map[string]*network.EndpointSettings{}
			for _, name := range test.now {
				now[name] = &network.EndpointSettings{NetworkID: "id-" + name}
			}
			found, wrong := networkSteps(now, withSpec(t, test.before).Spec.Networks, withSpec(t, test.after).Spec.Networks, known)
			if len(wrong) > 0 {
				t.Fatal(wrong.ToAggregate())
			}
			var got steps
			for _, step := range found {
				got = append(got, describe(step))
				if step.id != "id-"+step.name {
					t.Errorf("the network %s is taken for %s", step.name, step.id)
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
	stale := map[string]*network.EndpointSettings{"bridge": {NetworkID: "id-before-the-engine-was-started-again"}}
	if found, wrong := networkSteps(stale, nil, withSpec(t, `networks: [{name: a}]`).Spec.Networks, known); len(wrong) > 0 || len(found) != 2 || found[1].id != "id-bridge" {
		t.Errorf("%v, %v", found, wrong)
	}
	_, wrong := networkSteps(nil, nil, withSpec(t, `networks: [{name: none-such}, {name: a}, {name: twice}]`).Spec.Networks, known)
	if text := wrong.ToAggregate().Error(); len(wrong) != 2 || wrong[0].Field != "spec.networks[0].name" || wrong[1].Field != "spec.networks[2].name" {
		t.Errorf("the errors are %s", text)
	}
}

func describe(step networkStep) string {
	text := ""
	switch {
	case step.join == nil:
		return "leave " + step.name
	case step.leave:
		text = "leave and "
	}
	text += "join " + step.name + " ["
	for _, alias := range step.join.Aliases {
		text += alias
	}
	return text + "]"
}
