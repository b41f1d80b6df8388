// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package registration

import (
	"context"
	"fmt"
	"io"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
)

// Policy says what a registration does about the policies for servers with full access to their engine.
type Policy string

const (
	// PolicyRestricted installs policies that refuse what makes a container root on the engine's host.
	PolicyRestricted Policy = "restricted"
	// PolicyNone removes the policies that an earlier registration has installed.
	PolicyNone Policy = "none"
	// PolicyUnchanged leaves the policies as they are.
	PolicyUnchanged Policy = ""
)

const policyManifest = "policies/restricted.yaml"

// checkPolicies returns an error if the cluster would not follow the policies of the options.
func (c *Cluster) checkPolicies(options Options) error {
	if options.Policy != PolicyRestricted {
		return nil
	}
	served, err := c.servesPolicies()
	if err == nil && !served {
		err = fmt.Errorf("the control plane at %s has no ValidatingAdmissionPolicies, so nothing would keep users from containers that are root on the engine's host: "+
			"choose --policy=none if that is intended", c.url)
	}
	return err
}

func (c *Cluster) servesPolicies() (bool, error) {
	return c.serves(admissionregistrationv1.SchemeGroupVersion.String(), "validatingadmissionpolicies")
}

// dropPolicies removes the policies if the options say so.
func (c *Cluster) dropPolicies(ctx context.Context, options Options, out io.Writer) error {
	if options.Policy != PolicyNone {
		return nil
	}
	served, err := c.servesPolicies()
	if err != nil || !served {
		return err
	}
	policies, err := load(policyManifest)
	if err != nil {
		return err
	}
	for _, object := range policies {
		done, err := c.deleteObject(ctx, object, options.Service)
		if err != nil {
			return err
		}
		if done != notFound {
			fmt.Fprintln(out, describe(object), done)
		}
	}
	return nil
}
