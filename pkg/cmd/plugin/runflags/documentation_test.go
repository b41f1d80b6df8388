// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package runflags

import (
	"regexp"
	"strings"
	"testing"

	"github.com/docker/cli/opts"
	"github.com/spf13/pflag"
	"k8s.io/kube-openapi/pkg/common"
	"k8s.io/kube-openapi/pkg/validation/spec"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/pkg/generated/openapi"
)

// withoutFlag are the fields of a spec that are no flag of docker run, and why.
var withoutFlag = map[string]string{
	"state":               "docker run starts a container, docker create does not",
	"image":               "it is an argument",
	"args":                "they are arguments",
	"pullSecrets":         "docker login stores the credentials",
	"stdinOnce":           "docker run asks for it by itself if it is given --interactive and not --detach",
	"healthCheck.command": "docker run takes only a line for the shell",
}

// documentation is what kubectl explain says about the fields below a definition that have no fields themselves.
type documentation struct {
	definitions map[string]common.OpenAPIDefinition
	leaves      map[string]string
}

func (d *documentation) read(path, name string) {
	for field, schema := range d.definitions[name].Schema.Properties {
		below := strings.TrimPrefix(path+"."+field, ".")
		reference := schema.Ref.String()
		if schema.Items != nil {
			reference = schema.Items.Schema.Ref.String()
		}
		if of := strings.TrimPrefix(reference, "#/"); len(d.definitions[of].Schema.Properties) > 0 {
			d.read(below, of)
		} else {
			d.leaves[below], _, _ = strings.Cut(schema.Description, "\n\n") // then come the values of an enumeration
		}
	}
}

// keyed are the flags whose values have keys or options, and whether docker knows one.
var keyed = map[string]func(key string) bool{
	"mount": func(key string) bool {
		err := new(opts.MountOpt).Set("target=/target," + key + "=x")
		return err == nil || !strings.Contains(err.Error(), "unexpected key")
	},
	"volume": func(option string) bool {
		_, err := parseVolume("/source:/target:" + option)
		return err == nil
	},
	"gpus": func(key string) bool { return new(opts.GpuOpts).Set(key+"=x") == nil },
}

var (
	atTheEnd = regexp.MustCompile(` docker run: ([^:]+)\.$`)
	aFlag    = regexp.MustCompile(`--([a-z0-9-]+)(?: with ([A-Za-z-]+)(?: or ([A-Za-z-]+))?)?`)
)

func TestKubectlExplainNamesTheFlagOfEachFieldOfASpec(t *testing.T) {
	flags := pflag.NewFlagSet("run", pflag.ContinueOnError)
	NewRun(flags)
	d := documentation{openapi.GetOpenAPIDefinitions(func(name string) spec.Ref { return spec.MustCreateRef("#/" + name) }), map[string]string{}}
	d.read("", v1alpha1.ContainerSpec{}.OpenAPIModelName())
	if _, deep := d.leaves["mounts.tmpfs.size"]; !deep {
		t.Fatalf("these are not all fields: %v", d.leaves)
	}
	for path, description := range d.leaves {
		found := atTheEnd.FindStringSubmatch(description)
		var named [][]string
		if found != nil {
			named = aFlag.FindAllStringSubmatch(found[1], -1)
		}
		if _, hasNone := withoutFlag[path]; hasNone == (len(named) > 0) {
			t.Errorf("%s names the flags %q: %s", path, named, description)
		}
		for _, words := range named {
			if flag := flags.Lookup(words[1]); flag == nil || flag.Hidden {
				t.Errorf("%s: docker run has no flag --%s", path, words[1])
			}
			for _, key := range words[2:] {
				if isKnown := keyed[words[1]]; key != "" && (isKnown == nil || !isKnown(key)) {
					t.Errorf("%s: --%s of docker run has no %s", path, words[1], key)
				}
			}
		}
	}
	for path := range withoutFlag {
		if _, there := d.leaves[path]; !there {
			t.Errorf("there is no field %s", path)
		}
	}
}
