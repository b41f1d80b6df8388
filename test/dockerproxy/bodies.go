// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package dockerproxy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

// creationPath is the path of the request that makes a container, without the version of the API.
const creationPath = "/containers/create"

// named lists what Docker may be asked for when a container is made, and the fields of the spec that name it. Anything else
// must have no value.
var named = map[string][]string{
	"Image": {"image"}, "Entrypoint": {"command"}, "Cmd": {"args"}, "Env": {"env"}, "WorkingDir": {"workingDir"}, "User": {"user"},
	"Tty": {"tty"}, "OpenStdin": {"stdin"}, "StdinOnce": {"stdinOnce"}, "StopSignal": {"stopSignal"}, "StopTimeout": {"stopTimeoutSeconds"},
	"Hostname": {"hostname"}, "Domainname": {"domainname"}, "ExposedPorts": {"ports"}, "Volumes": {"mounts"}, "Healthcheck": {"healthCheck"},
	"MacAddress": {"networks"}, "NetworkingConfig.EndpointsConfig": {"networks"},

	"HostConfig.Init": {"init"}, "HostConfig.AutoRemove": {"autoRemove"},
	"HostConfig.PublishAllPorts": {"publishAllPorts"}, "HostConfig.PortBindings": {"ports"},
	"HostConfig.NetworkMode": {"networkMode", "networks"}, "HostConfig.ExtraHosts": {"extraHosts"},
	"HostConfig.Dns": {"dns.servers"}, "HostConfig.DnsSearch": {"dns.searches"}, "HostConfig.DnsOptions": {"dns.options"},
	"HostConfig.Binds": {"mounts"}, "HostConfig.Tmpfs": {"mounts"}, "HostConfig.Mounts": {"mounts"}, "HostConfig.ShmSize": {"shmSize"},
	"HostConfig.NanoCpus": {"resources.cpu"}, "HostConfig.Memory": {"resources.memory"}, "HostConfig.MemorySwap": {"resources.memorySwap"},
	"HostConfig.MemoryReservation": {"resources.memoryReservation"}, "HostConfig.PidsLimit": {"resources.pids"},
	"HostConfig.CpuShares": {"resources.cpuShares"}, "HostConfig.CpusetCpus": {"resources.cpuset"},
	"HostConfig.Ulimits": {"ulimits"}, "HostConfig.Devices": {"devices"}, "HostConfig.DeviceRequests": {"gpus", "devices"},
	"HostConfig.RestartPolicy": {"restartPolicy"},
	"HostConfig.Privileged":    {"securityContext.privileged"}, "HostConfig.ReadonlyRootfs": {"securityContext.readOnlyRootFilesystem"},
	"HostConfig.CapAdd": {"securityContext.capabilities.add"}, "HostConfig.CapDrop": {"securityContext.capabilities.drop"},
	"HostConfig.GroupAdd": {"securityContext.groups"}, "HostConfig.SecurityOpt": {"securityContext.securityOpts"},
	"HostConfig.MaskedPaths": {"securityContext.securityOpts"}, "HostConfig.ReadonlyPaths": {"securityContext.securityOpts"},
	"HostConfig.Sysctls": {"sysctls"}, "HostConfig.PidMode": {"pidMode"}, "HostConfig.IpcMode": {"ipcMode"}, "HostConfig.UTSMode": {"utsMode"},
	"HostConfig.UsernsMode": {"usernsMode"}, "HostConfig.CgroupnsMode": {"cgroupnsMode"}, "HostConfig.Runtime": {"runtime"},
	"HostConfig.LogConfig": {"logging"},
}

// meaningful are the lists that mean something else if they are empty than if they are not given.
var meaningful = []string{"HostConfig.MaskedPaths", "HostConfig.ReadonlyPaths", "Entrypoint", "Cmd"}

// structures are objects whose parts are always there.
var structures = []string{"HostConfig.LogConfig", "HostConfig.RestartPolicy"}

// noRestart is Docker's default.
var noRestart = map[string]any{"Name": "no", "MaximumRetryCount": 0.0}

// checkBody returns an error if a request to make a container asks Docker for anything that the spec did not name. The label of
// the container says which fields the spec had.
func checkBody(r *http.Request) error {
	if versionPrefix.ReplaceAllString(r.URL.Path, "/") != creationPath {
		return nil
	}
	content, err := keepBody(r)
	if err != nil {
		return nil // the client has gone
	}
	return checkCreation(content)
}

// keepBody reads the body of a request. What reads it later gets it from memory.
func keepBody(r *http.Request) ([]byte, error) {
	content, err := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(content))
	return content, err
}

func checkCreation(content []byte) error {
	var body map[string]any
	if err := json.Unmarshal(content, &body); err != nil {
		return fmt.Errorf("the body cannot be read: %w", err)
	}
	labels, _ := body["Labels"].(map[string]any)
	text, _ := labels[v1alpha1.FieldsLabel].(string)
	var given map[string]any
	if err := json.Unmarshal([]byte(text), &given); err != nil {
		return fmt.Errorf("the label of the fields, %q, cannot be read: %w", text, err)
	}
	delete(body, "Labels")
	asked := map[string]any{}
	for key, value := range body {
		if inner, ok := value.(map[string]any); ok && (key == "HostConfig" || key == "NetworkingConfig") {
			for name, value := range inner {
				asked[key+"."+name] = value
			}
			continue
		}
		asked[key] = value
	}
	for key, value := range asked {
		if parts, ok := value.(map[string]any); ok && slices.Contains(structures, key) {
			value = slices.Collect(maps.Values(parts))
		}
		if key == "HostConfig.RestartPolicy" && reflect.DeepEqual(asked[key], noRestart) {
			continue
		}
		if value == nil || hasNoValue(value) && !slices.Contains(meaningful, key) {
			continue
		}
		if !slices.ContainsFunc(named[key], func(path string) bool { return has(given, path) }) {
			return fmt.Errorf("it asks for %s %v, which no field of the spec names: %s", key, value, text)
		}
	}
	return nil
}

// has reports whether a set of fields in the form of FieldsV1 has the field at a path.
func has(fields map[string]any, path string) bool {
	name, rest, more := strings.Cut(path, ".")
	below, found := fields["f:"+name]
	if !found || !more {
		return found
	}
	inner, ok := below.(map[string]any)
	return ok && has(inner, rest)
}

// hasNoValue reports whether a value says nothing.
func hasNoValue(value any) bool {
	switch value := value.(type) {
	case nil:
		return true
	case bool:
		return !value
	case float64:
		return value == 0
	case string:
		return value == ""
	case []any:
		return !slices.ContainsFunc(value, func(item any) bool { return !hasNoValue(item) })
	case map[string]any:
		return len(value) == 0
	}
	return false
}
