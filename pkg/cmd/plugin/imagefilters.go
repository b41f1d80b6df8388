// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package plugin

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/distribution/reference"
	"github.com/docker/docker/api/types/filters"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

// imageFilters are the filters of images.
var imageFilters = filterSet[v1alpha1.Image]{
	"dangling": {
		matches: func(chosen filters.Args, image *v1alpha1.Image) bool {
			return chosen.ExactMatch("dangling", strconv.FormatBool(image.Status.Dangling))
		},
		check: isTrueOrFalse,
	},
	"label": {matches: func(chosen filters.Args, image *v1alpha1.Image) bool {
		return chosen.MatchKVList("label", image.Status.Labels)
	}},
	"reference": {matches: hasReference, check: isPattern},
	"before":    {matches: isInTime},
	"since":     {matches: isInTime},
	"until":     {matches: isInTime, check: isTime},
}

// isInTime matches every image, because a period of time has chosen the images already.
func isInTime(filters.Args, *v1alpha1.Image) bool { return true }

func isTrueOrFalse(value string) error {
	if value != "true" && value != "false" {
		return errors.New("must be true or false")
	}
	return nil
}

func isTime(value string) error {
	_, err := timeOf(value, time.Time{})
	return err
}

func isPattern(pattern string) error {
	_, err := reference.FamiliarMatch(pattern, scratch)
	return err
}

// scratch is a reference to try patterns with.
var scratch = func() reference.Reference {
	named, _ := reference.WithName("scratch")
	return named
}()

// hasReference reports whether the tag or a digest of the image matches one of the patterns.
func hasReference(chosen filters.Args, image *v1alpha1.Image) bool {
	names := image.Status.RepoDigests
	if image.Status.RepoTag != "" {
		names = []string{image.Status.RepoTag}
	}
	return slices.ContainsFunc(names, func(name string) bool {
		named, err := reference.ParseNormalizedNamed(name)
		return err == nil && slices.ContainsFunc(chosen.Get("reference"), func(pattern string) bool {
			matches, err := reference.FamiliarMatch(pattern, named)
			return err == nil && matches
		})
	})
}

// chooseImages returns the images that match all chosen filters of the set.
func chooseImages(all []v1alpha1.Image, set filterSet[v1alpha1.Image], chosen filters.Args, now time.Time) ([]v1alpha1.Image, error) {
	within, err := periodOf(all, chosen, now)
	if err != nil {
		return nil, err
	}
	var matching []v1alpha1.Image
	for i := range all {
		if within.has(all[i].Status.CreatedAt) && set.choose(chosen, &all[i]) {
			matching = append(matching, all[i])
		}
	}
	return matching, nil
}

// period is the time between two moments. A zero one does not limit it.
type period struct{ after, before time.Time }

// has reports whether a time is in the period. As with docker, an unknown time is in no period with a limit.
func (p period) has(at *metav1.Time) bool {
	if p == (period{}) {
		return true
	}
	return at != nil && (p.after.IsZero() || at.After(p.after)) && (p.before.IsZero() || at.Time.Before(p.before))
}

// periodOf returns the period in which the filters before, since and until look for images.
func periodOf(all []v1alpha1.Image, chosen filters.Args, now time.Time) (period, error) {
	var within period
	notAfter := func(limit time.Time) {
		if within.before.IsZero() || limit.Before(within.before) {
			within.before = limit
		}
	}
	for _, value := range chosen.Get("until") {
		limit, err := timeOf(value, now)
		if err != nil {
			return within, err
		}
		notAfter(limit)
	}
	for _, name := range []string{"before", "since"} {
		for _, value := range chosen.Get(name) {
			found := slices.IndexFunc(all, func(image v1alpha1.Image) bool { return isCalled(&image, value) })
			switch {
			case found < 0:
				return within, fmt.Errorf("--filter %q: there is no such image", name+"="+value)
			case all[found].Status.CreatedAt == nil:
			case name == "before":
				notAfter(all[found].Status.CreatedAt.Time)
			case all[found].Status.CreatedAt.After(within.after):
				within.after = all[found].Status.CreatedAt.Time
			}
		}
	}
	return within, nil
}

// isCalled reports whether argument is the image's tag, its ID, the beginning of its ID, or one of its digests.
func isCalled(image *v1alpha1.Image, argument string) bool {
	if named, err := reference.ParseNormalizedNamed(argument); err == nil && image.Status.RepoTag == reference.FamiliarString(reference.TagNameOnly(named)) {
		return true
	}
	return isMeant(image, argument)
}
