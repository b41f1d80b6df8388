// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package volumes

import (
	"strings"
	"testing"

	"github.com/docker/docker/api/types/volume"
	apiequality "k8s.io/apimachinery/pkg/api/equality"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers"
	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/dockertest"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/source"
	"github.com/rancher-sandbox/engine-apiserver/pkg/docker/source/sourcetest"
)

func TestAVolumeShowsWhatDockerSays(t *testing.T) {
	v := localVolume()
	got := volumeOf(&v, "engine", habits{dates: true})
	want := v1alpha1.VolumeStatus{Name: "data", Namespace: "moby", CreatedAt: source.TimeOf(dockertest.CreatedAt), Driver: "local", Mountpoint: "/v",
		Labels: map[string]string{"a": "b"}, Scope: "local", Options: map[string]string{"o": "p"}}
	if !apiequality.Semantic.DeepEqual(got.Status, want) || got.Name != "data" || got.Labels["a"] != "b" {
		t.Errorf("%+v", got)
	}
	v.CreatedAt = ""
	if volumeOf(&v, "engine", habits{dates: true}).Status.CreatedAt != nil {
		t.Error("the volume shows a creation time that the driver does not give")
	}
	v.Name = "team/share"
	if got := volumeOf(&v, "engine", habits{dates: true}); got.Name != containers.ObjectName("team/share") || got.Status.Name != "team/share" {
		t.Errorf("%+v", got)
	}
}

func localVolume() volume.Volume {
	return volume.Volume{Name: "data", Driver: "local", CreatedAt: dockertest.CreatedAt, Mountpoint: "/v", Scope: "local", Labels: map[string]string{"a": "b"}, Options: map[string]string{"o": "p"}}
}

func TestWhatTellsAVolumeFromTheOneBefore(t *testing.T) {
	later := func(v *volume.Volume) { v.CreatedAt = dockertest.FinishedAt }
	plugin := func(v *volume.Volume) { v.Driver = "plugin" }
	for what, test := range map[string]struct {
		of, change func(*volume.Volume)
		dated      bool
		isAnother  bool
	}{
		"creation time where it is one":           {change: later, dated: true, isAnother: true},
		"its time zone":                           {change: func(v *volume.Volume) { v.CreatedAt = "2026-01-02T01:04:05Z" }, dated: true},
		"creation time that moves with content":   {change: later},
		"creation time that a plugin says":        {of: plugin, change: later, dated: true},
		"driver":                                  {change: plugin, isAnother: true},
		"labels":                                  {change: func(v *volume.Volume) { v.Labels = map[string]string{"a": "c"} }, isAnother: true},
		"options":                                 {change: func(v *volume.Volume) { v.Options = nil }, isAnother: true},
		"no options or an empty list of them":     {of: func(v *volume.Volume) { v.Options = nil }, change: func(v *volume.Volume) { v.Options = map[string]string{} }},
		"where it is mounted":                     {change: func(v *volume.Volume) { v.Mountpoint = "/w" }},
		"a scope that a plugin says now and then": {of: plugin, change: func(v *volume.Volume) { v.Scope = "global" }},
	} {
		before, after := localVolume(), localVolume()
		if test.of != nil {
			test.of(&before)
			test.of(&after)
		}
		test.change(&after)
		if isAnother := volumeOf(&before, "engine", habits{dates: test.dated}).UID != volumeOf(&after, "engine", habits{dates: test.dated}).UID; isAnother != test.isAnother {
			t.Errorf("%s: another volume is %v", what, isAnother)
		}
	}
}

func TestAVolumeIsAnonymousIfDockerMadeUpItsName(t *testing.T) {
	hex := strings.Repeat("0123456789abcdef", 4)
	label := map[string]string{anonymousLabel: ""}
	for _, test := range []struct {
		name           string
		labels         map[string]string
		labels23, want bool
	}{
		{name: hex, labels: label, labels23: true, want: true},
		{name: hex, labels23: true, want: false}, // somebody chose the name
		{name: "data", labels: label, labels23: true, want: true},
		{name: hex, want: true}, // Docker before 23 sets no label
		{name: hex, labels: label, want: true},
		{name: hex[1:], want: false},
		{name: "data", want: false},
	} {
		v := volume.Volume{Name: test.name, Labels: test.labels}
		if got := volumeOf(&v, "engine", habits{labelsAnonymous: test.labels23}).Status.Anonymous; got != test.want {
			t.Errorf("%+v: %t", test, got)
		}
	}
}

func TestAnAnswerWithHolesIsNoPanic(t *testing.T) {
	volumeOf(&volume.Volume{}, "engine", habits{dates: true})
}

func TestVolumesAreDatedWhateverVersionOfTheAPIIsSpoken(t *testing.T) {
	engine, _ := sourcetest.New(t)
	c, err := engine.Client.Current()
	dockertest.Must(t, err)
	for newest, want := range map[string]bool{"1.41": false, "1.42": true, "1.51": true} {
		c.NewestAPI = newest
		if got := habitsOf(c).dates; got != want {
			t.Errorf("an engine with API %s, to which the server speaks %s, dates volumes: %t", newest, c.Docker.ClientVersion(), got)
		}
	}
}
