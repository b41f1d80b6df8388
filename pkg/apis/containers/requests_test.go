// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package containers

import (
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

const digest = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

func TestARequestGetsItsDefaults(t *testing.T) {
	scheme := newScheme()
	pull, push := &v1alpha1.ImagePullRequest{}, &v1alpha1.ImagePushRequest{}
	scheme.Default(pull)
	scheme.Default(push)
	if spec := pull.Spec; spec.Namespace != "moby" || spec.Policy != "Always" || *spec.TTLSecondsAfterFinished != 300 || spec.ActiveDeadlineSeconds != nil {
		t.Errorf("%+v", spec)
	}
	if spec := push.Spec; spec.Namespace != "moby" || *spec.TTLSecondsAfterFinished != 300 || spec.ActiveDeadlineSeconds != nil {
		t.Errorf("%+v", spec)
	}
}

func TestTheDefaultsOfARequestReplaceNothing(t *testing.T) {
	spec := v1alpha1.ImagePullRequestSpec{Namespace: "other", Policy: "IfNotPresent", TTLSecondsAfterFinished: ptr.To[int32](90)}
	pull := &v1alpha1.ImagePullRequest{Spec: spec}
	newScheme().Default(pull)
	if got := pull.Spec; got.Namespace != "other" || got.Policy != "IfNotPresent" || *got.TTLSecondsAfterFinished != 90 {
		t.Errorf("%+v", got)
	}
}

func TestAPullNamesAnImageAPlatformAndAPolicy(t *testing.T) {
	for want, changes := range map[string][]func(*v1alpha1.ImagePullRequestSpec){
		"": {
			func(*v1alpha1.ImagePullRequestSpec) {},
			func(s *v1alpha1.ImagePullRequestSpec) { s.RepoTag = "busybox@" + digest },
			func(s *v1alpha1.ImagePullRequestSpec) { s.RepoTag = "busybox:1@" + digest },
			func(s *v1alpha1.ImagePullRequestSpec) { s.RepoTag = "127.0.0.1:5000/team/tool:v2" },
			func(s *v1alpha1.ImagePullRequestSpec) { s.Platform = "linux/arm/v7" },
			func(s *v1alpha1.ImagePullRequestSpec) { s.Policy = "IfNotPresent" },
			func(s *v1alpha1.ImagePullRequestSpec) { s.PullSecrets = []string{"mine", "team.example"} },
			func(s *v1alpha1.ImagePullRequestSpec) { s.ActiveDeadlineSeconds = ptr.To[int64](1) },
			func(s *v1alpha1.ImagePullRequestSpec) { s.TTLSecondsAfterFinished = ptr.To[int32](60) },
		},
		"spec.repoTag": {
			func(s *v1alpha1.ImagePullRequestSpec) { s.RepoTag = "" },
			func(s *v1alpha1.ImagePullRequestSpec) { s.RepoTag = "Busybox" },
			func(s *v1alpha1.ImagePullRequestSpec) { s.RepoTag = "../containers/web" },
			func(s *v1alpha1.ImagePullRequestSpec) { s.RepoTag = "team~tool:v2" },
			func(s *v1alpha1.ImagePullRequestSpec) { s.RepoTag = digest },
			func(s *v1alpha1.ImagePullRequestSpec) { s.RepoTag = strings.TrimPrefix(digest, "sha256:") },
			func(s *v1alpha1.ImagePullRequestSpec) { s.RepoTag = "busybox:" + strings.Repeat("a", 129) },
		},
		"spec.platform": {
			func(s *v1alpha1.ImagePullRequestSpec) { s.Platform = "linux/arm/v7/x" },
			func(s *v1alpha1.ImagePullRequestSpec) { s.Platform = "linux/" },
			func(s *v1alpha1.ImagePullRequestSpec) { s.Platform = "linux amd64" },
		},
		"spec.policy":                  {func(s *v1alpha1.ImagePullRequestSpec) { s.Policy = "Never" }},
		"spec.namespace":               {func(s *v1alpha1.ImagePullRequestSpec) { s.Namespace = "k8s.io" }},
		"spec.pullSecrets[1]":          {func(s *v1alpha1.ImagePullRequestSpec) { s.PullSecrets = []string{"mine", "../x"} }},
		"spec.activeDeadlineSeconds":   {func(s *v1alpha1.ImagePullRequestSpec) { s.ActiveDeadlineSeconds = ptr.To[int64](0) }},
		"spec.ttlSecondsAfterFinished": {func(s *v1alpha1.ImagePullRequestSpec) { s.TTLSecondsAfterFinished = ptr.To[int32](59) }},
	} {
		for i, change := range changes {
			pull := &v1alpha1.ImagePullRequest{Spec: v1alpha1.ImagePullRequestSpec{RepoTag: "busybox"}}
			newScheme().Default(pull)
			change(&pull.Spec)
			errs := ValidateImagePullRequest(pull)
			if want == "" && len(errs) > 0 || want != "" && (len(errs) != 1 || errs[0].Field != want) {
				t.Errorf("%q %d: %v", want, i, errs)
			}
		}
	}
}

func TestAPushNamesAnImageByItsName(t *testing.T) {
	for name, isValid := range map[string]bool{
		"busybox": true, "busybox:latest": true, "127.0.0.1:5000~team~tool:v2": true,
		"": false, "team/tool:v2": false, "busybox@" + digest: false, digest: false, "Busybox": false, "..": false,
	} {
		push := &v1alpha1.ImagePushRequest{Spec: v1alpha1.ImagePushRequestSpec{ImageRef: name}}
		newScheme().Default(push)
		errs := ValidateImagePushRequest(push)
		if isValid != (len(errs) == 0) {
			t.Errorf("%q: %v", name, errs)
		}
		for _, err := range errs {
			if err.Field != "spec.imageRef" {
				t.Errorf("%q: %v", name, err)
			}
		}
	}
}

func TestTheLogOfARequestIsTextOrJSONWithoutTimes(t *testing.T) {
	for options, field := range map[v1alpha1.ImageRequestLogOptions]string{
		{}:                                 "",
		{Format: "text"}:                   "",
		{Format: "json", Container: "web"}: "",
		{Format: "JSON"}:                   "format",
		{Format: "yaml"}:                   "format",
		{Previous: true}:                   "previous",
		{Timestamps: true}:                 "timestamps",
	} {
		errs := ValidateImageRequestLogOptions(&options)
		if field == "" && len(errs) > 0 || field != "" && (len(errs) != 1 || errs[0].Field != field) {
			t.Errorf("%+v: %v", options, errs)
		}
	}
}

func TestTheStatusOfARequestIsOfItsGeneration(t *testing.T) {
	pull, push := &v1alpha1.ImagePullRequest{}, &v1alpha1.ImagePushRequest{}
	for _, status := range []*v1alpha1.ImageRequestStatus{&pull.Status, &push.Status} {
		status.Conditions = []metav1.Condition{{Type: v1alpha1.RequestFinished}}
	}
	SetGeneration(pull, 7)
	SetGeneration(push, 7)
	for _, status := range []v1alpha1.ImageRequestStatus{pull.Status, push.Status} {
		if status.ObservedGeneration != 7 || status.Conditions[0].ObservedGeneration != 7 {
			t.Errorf("%+v", status)
		}
	}
}
