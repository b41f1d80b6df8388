// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package engine

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// VolumePlugin is a volume driver that keeps nothing but names. Unlike Docker's own driver it takes any name.
type VolumePlugin struct {
	// Name is the driver's name.
	Name string

	mu sync.Mutex
	// volumes are listed, and found unless they are hidden.
	volumes, hidden map[string]bool
}

// VolumePlugin starts a volume driver that only this engine has. The driver runs until the test program ends, because an engine
// waits for half a minute for a driver that is gone.
func (e *Engine) VolumePlugin(t testing.TB, name string) *VolumePlugin {
	t.Helper()
	// The engine has a /run of its own.
	dir := fmt.Sprintf("/proc/%d/root/run/docker/plugins", e.super.Process.Pid)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatalf("making the directory of plugins: %v", err)
	}
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "unix", filepath.Join(dir, name+".sock"))
	if err != nil {
		t.Fatalf("listening as the plugin %s: %v", name, err)
	}
	p := &VolumePlugin{Name: name, volumes: map[string]bool{}, hidden: map[string]bool{}}
	go func() { _ = (&http.Server{Handler: p}).Serve(listener) }()
	return p
}

// Add has the driver list a volume that nobody has created through Docker.
func (p *VolumePlugin) Add(name string) { p.set(p.volumes, name, true) }

// Hide has the driver list a volume and not find it by its name.
func (p *VolumePlugin) Hide(name string) { p.set(p.hidden, name, true) }

// Remove has the driver forget a volume.
func (p *VolumePlugin) Remove(name string) {
	p.set(p.volumes, name, false)
	p.set(p.hidden, name, false)
}

func (p *VolumePlugin) set(names map[string]bool, name string, isThere bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if isThere {
		names[name] = true
	} else {
		delete(names, name)
	}
}

// ServeHTTP implements Docker's protocol of volume plugins.
func (p *VolumePlugin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var asked struct{ Name string }
	_ = json.NewDecoder(r.Body).Decode(&asked) // some requests have no body
	answer := map[string]any{"Err": ""}
	switch call := strings.TrimPrefix(r.URL.Path, "/"); call {
	case "Plugin.Activate":
		answer = map[string]any{"Implements": []string{"VolumeDriver"}}
	case "VolumeDriver.Create":
		p.Add(asked.Name)
	case "VolumeDriver.Remove":
		p.Remove(asked.Name)
	case "VolumeDriver.List":
		answer["Volumes"] = p.list()
	case "VolumeDriver.Get":
		if p.finds(asked.Name) {
			answer["Volume"] = map[string]string{"Name": asked.Name}
		} else {
			answer["Err"] = "there is no volume " + asked.Name
		}
	case "VolumeDriver.Capabilities":
		answer["Capabilities"] = map[string]string{"Scope": "local"}
	default:
		answer["Mountpoint"] = "/tmp"
	}
	w.Header().Set("Content-Type", "application/vnd.docker.plugins.v1.1+json")
	_ = json.NewEncoder(w).Encode(answer)
}

func (p *VolumePlugin) finds(name string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.volumes[name] && !p.hidden[name]
}

func (p *VolumePlugin) list() []map[string]string {
	p.mu.Lock()
	defer p.mu.Unlock()
	listed := []map[string]string{}
	for name := range p.volumes {
		listed = append(listed, map[string]string{"Name": name})
	}
	return listed
}
