// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package runflags

import (
	"cmp"
	"fmt"
	"os"

	"github.com/spf13/pflag"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

// PlatformVariable is the environment variable that names the platform if no flag does.
const PlatformVariable = "DOCKER_DEFAULT_PLATFORM"

// pullMissing is the default of --pull.
const pullMissing = "missing"

// pullPolicies are the values of --pull. The default is not written down.
var pullPolicies = map[string]v1alpha1.ContainerImagePullPolicy{
	"": "", pullMissing: "", "always": v1alpha1.ContainerPullAlways, "never": v1alpha1.ContainerPullNever,
}

// image says which image a container has.
type image struct{ pull, platform string }

func newImage() *image { return &image{} }

func (i *image) add(flags *pflag.FlagSet) {
	flags.StringVar(&i.pull, "pull", pullMissing, `Pull image before running ("always", "missing", "never")`)
	flags.StringVar(&i.platform, "platform", "", "Set platform if server is multi-platform capable (default $"+PlatformVariable+")")
}

func (i *image) apply(c *v1alpha1.Container) error {
	policy, known := pullPolicies[i.pull]
	if !known {
		return fmt.Errorf("invalid pull option: '%s': must be one of %q, %q or %q", i.pull, "always", pullMissing, "never")
	}
	c.Spec.ImagePullPolicy = policy
	c.Spec.Platform = cmp.Or(i.platform, os.Getenv(PlatformVariable))
	return nil
}
