// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package plugin

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/utils/ptr"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

func TestAPruneGoesOnlyOnIfTheAnswerIsYes(t *testing.T) {
	ask := func(answer string) (bool, error) {
		streams, in, out, _ := genericiooptions.NewTestIOStreams()
		in.WriteString(answer)
		isSure, err := (&prune{plugin: &plugin{IOStreams: streams}}).confirm("Sure? ")
		if out.String() != "Sure? " {
			t.Errorf("%q", out)
		}
		return isSure, err
	}
	for answer, want := range map[string]bool{"y\n": true, " Y \n": true, "y": true, "n\n": false, "\n": false, "yes\n": false, "n\ny\n": false} {
		if got, err := ask(answer); got != want || err != nil {
			t.Errorf("%q: %t %v", answer, got, err)
		}
	}
	if got, err := ask(""); got || err == nil {
		t.Errorf("%t %v", got, err)
	}
}

func TestAPruneChoosesByLabelsThatAreThereOrNot(t *testing.T) {
	volume := v1alpha1.Volume{Status: v1alpha1.VolumeStatus{Labels: map[string]string{"tier": "back"}}}
	for arguments, want := range map[string]bool{
		"": true, "label=tier": true, "label=tier=back": true, "label=tier=front": false, "label=other": false,
		"label!=tier": false, "label!=tier=back": false, "label!=tier=front": true, "label!=other": true, "label=tier label!=other": true,
	} {
		chosen, err := volumePruneFilters.parse(strings.Fields(arguments))
		if err != nil {
			t.Fatal(err)
		}
		if got := volumePruneFilters.choose(chosen, &volume); got != want {
			t.Errorf("%s: %t", arguments, got)
		}
	}
}

func TestAPruneHasOnlyDockersFilters(t *testing.T) {
	want := `--filter "dangling=true": there is no filter "dangling": choose one of label, label!, until`
	if _, err := imagePruneFilters.parse([]string{"dangling=true"}); err == nil || err.Error() != want {
		t.Error(err)
	}
}

func TestAPruneSaysWhichImagesAreGone(t *testing.T) {
	removed := []v1alpha1.Image{
		newImage('a', "one:1", 1, digests("one")), newImage('b', "two:1", 1, digests("two")), newImage('a', "one:2", 1, digests("one")), newImage('c', "", 1),
	}
	left := []v1alpha1.Image{newImage('b', "two:2", 1, digests("two"))}
	digest := "one@sha256:" + strings.Repeat("d", 64)
	want := []string{"untagged: one:1", "untagged: two:1", "untagged: one:2", "untagged: " + digest, "deleted: " + removed[0].Status.ID, "deleted: " + removed[3].Status.ID}
	if got := pruned(removed, left); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// A container may come to use an object after the prune has listed it. No real engine can be made to do that in time.
func TestAPruneLeavesWhatHasChangedSinceItWasListed(t *testing.T) {
	volume := func(uid types.UID, version string, inUse *bool) *v1alpha1.Volume {
		return &v1alpha1.Volume{ObjectMeta: metav1.ObjectMeta{Name: "data", UID: uid, ResourceVersion: version}, Status: v1alpha1.VolumeStatus{InUse: inUse}}
	}
	resource := v1alpha1.Resource("volumes")
	listed := volume("1", "5", ptr.To(false))
	for what, test := range map[string]struct {
		now     *v1alpha1.Volume
		err     error // of the second removal
		removed bool
		want    string
	}{
		"is in use":           {now: volume("1", "6", ptr.To(true)), want: "cannot remove data: it is in use now"},
		"is perhaps in use":   {now: volume("1", "6", nil), want: "cannot remove data: it is in use now"},
		"is another one":      {now: volume("2", "6", ptr.To(false)), want: "cannot remove data: another one has its name now"},
		"is still not in use": {now: volume("1", "6", ptr.To(false)), removed: true},
		"is gone":             {},
		"cannot be removed":   {now: volume("1", "6", ptr.To(false)), err: errors.New("the disk is broken"), want: "cannot remove data: the disk is broken"},
	} {
		get := func(context.Context, string, metav1.GetOptions) (*v1alpha1.Volume, error) {
			if test.now == nil {
				return nil, apierrors.NewNotFound(resource, "data")
			}
			return test.now, nil
		}
		remove := func(_ context.Context, name string, options metav1.DeleteOptions) error {
			if name != "data" || *options.Preconditions.UID != "1" {
				t.Errorf("%s: %s %+v", what, name, options.Preconditions)
			}
			if *options.Preconditions.ResourceVersion == "5" {
				return apierrors.NewConflict(resource, "data", errors.New("it has changed"))
			}
			return test.err
		}
		isUnused := func(v *v1alpha1.Volume) bool { return isFalse(v.Status.InUse) }
		removed, err := removeUnused(t.Context(), listed, "data", isUnused, get, remove)
		if removed != test.removed || (err == nil) != (test.want == "") || err != nil && err.Error() != test.want {
			t.Errorf("%s: %t %v", what, removed, err)
		}
	}
}
