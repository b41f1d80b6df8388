// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package runflags

import (
	"github.com/docker/cli/opts"
	"github.com/spf13/pflag"

	apis "github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers"
	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

// metadata are the labels of a container.
type metadata struct{ labels, files opts.ListOpts }

func newMetadata() *metadata {
	return &metadata{labels: opts.NewListOpts(opts.ValidateLabel), files: opts.NewListOpts(nil)}
}

func (m *metadata) add(flags *pflag.FlagSet) {
	flags.VarP(&m.labels, "label", "l", "Set meta data on a container")
	flags.Var(&m.files, "label-file", "Read in a line delimited file of labels")
}

func (m *metadata) apply(c *v1alpha1.Container) error {
	given, err := opts.ReadKVStrings(m.files.GetSlice(), m.labels.GetSlice())
	if err != nil {
		return err
	}
	c.Labels, c.Spec.Labels = apis.SplitLabels(opts.ConvertKVStringsToMap(given))
	return nil
}
