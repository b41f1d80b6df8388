// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package containers

import (
	"cmp"
	"errors"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/network"
	gocmp "github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"sigs.k8s.io/json"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers"
	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/validation"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/dockertest"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/source/sourcetest"
	"github.com/rancher-sandbox/engine-apiserver/test/specs"
)

// hostileSpecs have what specs of well-meaning users do not have.
var hostileSpecs = []string{
	`null`, `{}`, `[]`, `{"image":"busybox","env":[null]}`, `{"image":"busybox","state":"unknown"}`, `{"image":"busybox","unknown":1}`,
	`{"image":"busybox","command":[""],"args":[""],"env":[{"name":"A"},{"name":"A","value":"b"}]}`,
	`{"image":"busybox","env":[{"name":"A=B"},{"name":" "},{"name":"\u0000"},{"name":"\ud800","value":"\n"}]}`,
	`{"image":"busybox","devices":[{"hostPath":"/dev/null","permissions":"r"},{"hostPath":"/dev/null","permissions":"w"}]}`,
	`{"image":"busybox","devices":[{"hostPath":"v.example/c=1"},{"hostPath":"v.example/c=1"}],"gpus":{"count":1,"driver":"cdi"}}`,
	`{"image":"busybox","gpus":{"deviceIDs":["0","0"],"capabilities":["systempaths=unconfined","gpu"],"driver":"cdi"}}`,
	`{"image":"busybox","securityContext":{"capabilities":{"add":["NET_ADMIN","cap_net_admin","ALL","CAP_ALL"],"drop":["all"]},"securityOpts":["systempaths=unconfined","systempaths=unconfined","label=disable","label=disable"]}}`,
	`{"image":"busybox","mounts":[{"type":"tmpfs","target":"/a","tmpfs":{"mode":0}},{"type":"tmpfs","target":"/b","tmpfs":{"size":"1","mode":0}},{"type":"tmpfs","target":"/c:d","tmpfs":{"options":["a=b:c"]}}]}`,
	`{"image":"busybox","mounts":[{"type":"bind","source":"/a:b","target":"/c"},{"type":"bind","source":"/","target":"/d","readOnly":true,"bind":{"createHostPath":true,"selinux":"private","propagation":"shared"}},{"type":"volume","source":"v1","target":"/e:f"},{"type":"volume","target":"/g:h"}]}`,
	`{"image":"busybox","mounts":[{"type":"volume","target":"/a","volume":{"labels":{"b":""},"options":{"c":"d"}}},{"type":"volume","source":"v1","target":"/b","volume":{"driver":"local"}},{"type":"image","source":"busybox","target":"/c","image":{}}]}`,
	`{"image":"busybox","resources":{"cpu":"1Ki","memory":"8e6","memorySwap":-1,"memoryReservation":"6291456","pids":-1}}`,
	`{"image":"busybox","resources":{"cpu":"0.0100000001","memory":"6291456000m","memorySwap":"12582912"},"shmSize":"1e3"}`,
	`{"image":"busybox","resources":{},"dns":{},"healthCheck":{},"logging":{},"securityContext":{"capabilities":{}},"mounts":[],"networks":[]}`,
	`{"image":"busybox","ports":[{"containerPort":80,"hostIP":"::","hostPort":80},{"containerPort":80,"hostIP":"0.0.0.0","hostPort":80},{"containerPort":80,"protocol":"SCTP"},{"containerPort":65535,"hostPort":0}]}`,
	`{"image":"busybox","labels":{"a":"b","not valid":"c","d/e/f":"","quote\"d":"\\"},"sysctls":{"net.a\\b":"\""},"logging":{"options":{"":"","a.b":"c"}}}`,
	`{"image":"busybox","networks":[{"name":"bridge"},{"name":"Web","aliases":["z","a"],"ipv4Address":"10.0.0.2","ipv6Address":"fd00::1","macAddress":"02-42-AC-11-00-02"},{"name":"0123456789ab"}]}`,
	`{"image":"busybox","networkMode":"container:web","pidMode":"container:web","ipcMode":"container:web","utsMode":"host","cgroupnsMode":"host"}`,
	`{"image":"busybox","networkMode":"container:0123456789ab","pidMode":"container:0123456789abc","domainname":"a.b"}`,
	`{"image":"busybox","platform":"linux","pullSecrets":["a","b"],"imagePullPolicy":"Always","stopSignal":"rtmin+1","stopTimeoutSeconds":9223372036}`,
	`{"image":"busybox","platform":"a/b/c","healthCheck":{"command":["a","CMD"],"intervalSeconds":2147483647,"retries":2147483647}}`,
	`{"image":"sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef","restartPolicy":{"name":"on-failure","maximumRetryCount":2147483647},"ulimits":[{"name":"core","soft":-1,"hard":-1},{"name":"cpu","soft":0,"hard":9223372036854775807}]}`,
}

// FuzzSpec promises that Docker can be asked for whatever validation takes, and that the container shows the spec that was
// given.
func FuzzSpec(f *testing.F) {
	random := rand.New(rand.NewPCG(1, 0))
	w := specs.World{Image: "busybox", Networks: []specs.Network{{Name: "a", Subnet: "10.0.0"}, {Name: "b", Subnet: "10.0.1"}}, Container: "peer", Dir: "/dir", Volume: "volume", API: "1.51"}
	for _, field := range w.Fields() {
		f.Add(sourcetest.Encode(f, w.Make(random, field)))
	}
	for range 10 {
		f.Add(sourcetest.Encode(f, w.All(random)))
	}
	for _, text := range hostileSpecs {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		given := &v1alpha1.Container{}
		if json.UnmarshalCaseSensitivePreserveInts(text, &given.Spec) != nil {
			return
		}
		given.Name = "made"
		withDefaults := given.DeepCopy()
		validation.SetContainerDefaults(&withDefaults.Spec)
		errs := validation.ValidateContainerCreate(given)
		if others := validation.ValidateContainerCreate(withDefaults); len(others) != len(errs) {
			t.Errorf("the errors are %v, and with defaults %v", errs, others)
		}
		if len(errs) > 0 {
			return
		}
		for _, api := range []string{"1.41", "1.44", "1.51"} {
			made, err := creationOf(given, api)
			if wrong := (*field.Error)(nil); errors.As(err, &wrong) {
				continue
			} else if err != nil {
				t.Fatalf("API %s: %v", api, err)
			}
			got := specOf(kept(t, made), circumstances{})
			got.State = v1alpha1.ContainerStateCreated
			want := shown(&given.Spec)
			for key := range containers.Selectable(want.Labels) {
				delete(want.Labels, key) // it shows in metadata.labels
			}
			if diff := gocmp.Diff(textOf(t, want), textOf(t, &got)); diff != "" {
				t.Errorf("API %s: the spec was given (-) and is shown (+):\n%s", api, diff)
			}
		}
	})
}

// kept returns what an engine tells about a container that was just made, with what every engine adds.
func kept(t *testing.T, made *creation) *container.InspectResponse {
	t.Helper()
	config, host := *made.config, *made.host
	config.Hostname = cmp.Or(config.Hostname, dockertest.IDA[:shortIDLength])
	if !slices.ContainsFunc(config.Env, func(variable string) bool { return strings.HasPrefix(variable, "PATH=") }) {
		config.Env = append(slices.Clone(config.Env), "PATH=/bin")
	}
	host.ShmSize, host.MemorySwap = cmp.Or(host.ShmSize, usualShmSize), cmp.Or(host.MemorySwap, 2*host.Memory)
	if host.PidsLimit != nil && *host.PidsLimit <= 0 {
		host.PidsLimit = nil
	}
	host.IpcMode, host.CgroupnsMode = cmp.Or(host.IpcMode, container.IPCModePrivate), cmp.Or(host.CgroupnsMode, container.CgroupnsModePrivate)
	host.Runtime, host.LogConfig.Type = cmp.Or(host.Runtime, "runc"), cmp.Or(host.LogConfig.Type, "json-file")
	host.NetworkMode = cmp.Or(host.NetworkMode, network.NetworkDefault)
	host.CapAdd, host.CapDrop = normalized(host.CapAdd), normalized(host.CapDrop)
	host.SecurityOpt = append(slices.Clone(host.SecurityOpt), noLabel)
	host.Ulimits = append([]*container.Ulimit{{Name: "added"}}, host.Ulimits...)

	networks := map[string]*network.EndpointSettings{}
	if made.networking != nil {
		maps.Copy(networks, made.networking.EndpointsConfig)
	} else if name := host.NetworkMode; !name.IsContainer() {
		networks[strings.Replace(string(name), network.NetworkDefault, network.NetworkBridge, 1)] = &network.EndpointSettings{}
	}
	for _, step := range made.later {
		networks[step.name] = step.join
	}
	response, err := readContainer(sourcetest.Encode(t, map[string]any{
		"Id": dockertest.IDA, "Name": "/made", "Config": config, "HostConfig": host, "NetworkSettings": map[string]any{"Networks": networks},
	}), true)
	dockertest.Must(t, err)
	return response
}

// normalized returns capabilities as Docker's client sends them.
func normalized(capabilities []string) (sent []string) {
	for _, c := range capabilities {
		if c = strings.ToUpper(c); c != "ALL" && !strings.HasPrefix(c, "CAP_") {
			c = "CAP_" + c
		}
		if !slices.Contains(sent, c) {
			sent = append(sent, c)
		}
	}
	slices.Sort(sent)
	return sent
}
