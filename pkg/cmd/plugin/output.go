// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package plugin

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/cli-runtime/pkg/genericclioptions"

	"github.com/rancher-sandbox/engine-apiserver/pkg/generated/clientset/versioned/scheme"
)

// Values of --dry-run.
const (
	dryRunNone   = "none"
	dryRunClient = "client"
	dryRunServer = "server"
)

// dryRunWords are what is added to the line that names an object.
var dryRunWords = map[string]string{dryRunNone: "", dryRunClient: " (dry run)", dryRunServer: " (server dry run)"}

// outputFlags are kubectl's flags that print an object that is created, or would be.
type outputFlags struct {
	dryRun string
	format string
	to     *genericclioptions.PrintFlags
}

func (o *outputFlags) addFlags(flags *pflag.FlagSet, dryRun string) {
	flags.StringVar(&o.dryRun, "dry-run", dryRunNone, dryRun)
	flags.StringVarP(&o.format, "output", "o", "", "Print the container in this format (json, yaml, name, …)")
}

// isGiven reports whether the object is to be printed.
func (o *outputFlags) isGiven() bool { return o.format != "" }

// complete checks the flags.
func (o *outputFlags) complete() error {
	words, known := dryRunWords[o.dryRun]
	if !known {
		return errors.New(`--dry-run must be "none", "server", or "client"`)
	}
	o.to = genericclioptions.NewPrintFlags("created" + words).WithTypeSetter(scheme.Scheme)
	o.to.OutputFormat = &o.format
	if _, err := o.to.ToPrinter(); err != nil {
		return fmt.Errorf("--output: %w", err)
	}
	return nil
}

// print prints an object, or a line that names it if no format was given. Of an object that nobody has created yet, it leaves
// out what the creator does not write.
func (o *outputFlags) print(to io.Writer, object runtime.Object) error {
	printer, err := o.to.ToPrinter()
	if err != nil {
		return err
	}
	if o.dryRun == dryRunClient {
		fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(object)
		if err != nil {
			return err
		}
		delete(fields, "status")
		unstructured.RemoveNestedField(fields, "metadata", "creationTimestamp")
		object = &unstructured.Unstructured{Object: fields}
	}
	return printer.PrintObj(object, to)
}
