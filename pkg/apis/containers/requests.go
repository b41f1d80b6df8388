// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package containers

import (
	"math"
	"regexp"
	"slices"
	"strings"

	"github.com/distribution/reference"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/utils/ptr"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

var (
	// platformGrammar has the platforms such as linux/arm64 and linux/arm/v7. Docker decides which of them there are.
	platformGrammar = regexp.MustCompile(`^[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+){0,2}$`)

	pullPolicies = []v1alpha1.ImagePullPolicy{v1alpha1.ImagePullAlways, v1alpha1.ImagePullIfNotPresent}
	logFormats   = []string{v1alpha1.LogFormatText, v1alpha1.LogFormatJSON}
)

// addRequestDefaults has the scheme set the defaults of requests.
func addRequestDefaults(scheme *runtime.Scheme) {
	scheme.AddTypeDefaultingFunc(&v1alpha1.ImagePullRequest{}, func(object any) {
		spec := &object.(*v1alpha1.ImagePullRequest).Spec
		if spec.Policy == "" {
			spec.Policy = v1alpha1.ImagePullAlways
		}
		setRequestDefaults(&spec.Namespace, &spec.TTLSecondsAfterFinished)
	})
	scheme.AddTypeDefaultingFunc(&v1alpha1.ImagePushRequest{}, func(object any) {
		spec := &object.(*v1alpha1.ImagePushRequest).Spec
		setRequestDefaults(&spec.Namespace, &spec.TTLSecondsAfterFinished)
	})
}

func setRequestDefaults(namespace *string, ttl **int32) {
	if *namespace == "" {
		*namespace = v1alpha1.EngineNamespace
	}
	if *ttl == nil {
		*ttl = ptr.To[int32](v1alpha1.DefaultTTLSecondsAfterFinished)
	}
}

// ValidateImagePullRequest returns the errors of a new request.
func ValidateImagePullRequest(request *v1alpha1.ImagePullRequest) field.ErrorList {
	spec, path := request.Spec, specPath
	errs := validateRequest(path, spec.Namespace, spec.PullSecrets, spec.ActiveDeadlineSeconds, spec.TTLSecondsAfterFinished)
	errs = append(errs, validateReference(path.Child("repoTag"), spec.RepoTag, spec.RepoTag)...)
	if spec.Platform != "" && !platformGrammar.MatchString(spec.Platform) {
		errs = append(errs, field.Invalid(path.Child("platform"), spec.Platform, "must be a platform, such as linux/arm64"))
	}
	if !slices.Contains(pullPolicies, spec.Policy) {
		errs = append(errs, field.NotSupported(path.Child("policy"), spec.Policy, pullPolicies))
	}
	return errs
}

// ValidateImagePushRequest returns the errors of a new request.
func ValidateImagePushRequest(request *v1alpha1.ImagePushRequest) field.ErrorList {
	spec, path := request.Spec, specPath
	errs := validateRequest(path, spec.Namespace, spec.PullSecrets, spec.ActiveDeadlineSeconds, spec.TTLSecondsAfterFinished)
	path = path.Child("imageRef")
	if strings.Contains(spec.ImageRef, "/") {
		return append(errs, field.Invalid(path, spec.ImageRef, "must be the metadata.name of an Image, with each slash written as '~'"))
	}
	errs = append(errs, validateReference(path, spec.ImageRef, ReferenceOfName(spec.ImageRef))...)
	if strings.Contains(spec.ImageRef, "@") {
		errs = append(errs, field.Invalid(path, spec.ImageRef, "must be a tag, without a digest: Docker pushes tags only"))
	}
	return errs
}

// validateRequest returns the errors of what the requests to pull and to push have in common.
func validateRequest(path *field.Path, namespace string, secrets []string, deadline *int64, ttl *int32) field.ErrorList {
	var errs field.ErrorList
	if namespace != v1alpha1.EngineNamespace {
		errs = append(errs, field.NotSupported(path.Child("namespace"), namespace, []string{v1alpha1.EngineNamespace}))
	}
	for i, secret := range secrets {
		for _, reason := range validation.IsDNS1123Subdomain(secret) {
			errs = append(errs, field.Invalid(path.Child("pullSecrets").Index(i), secret, reason))
		}
	}
	if deadline != nil && (*deadline < 1 || *deadline > math.MaxInt32) {
		errs = append(errs, field.Invalid(path.Child("activeDeadlineSeconds"), *deadline, "must be between 1 and 2147483647"))
	}
	if ttl != nil && *ttl < v1alpha1.MinTTLSecondsAfterFinished {
		errs = append(errs, field.Invalid(path.Child("ttlSecondsAfterFinished"), *ttl, "must be 60 or more"))
	}
	return errs
}

// validateReference returns the errors of an image reference that was given as value.
func validateReference(path *field.Path, value, image string) field.ErrorList {
	if image == "" {
		return field.ErrorList{field.Required(path, "must name an image, such as busybox:latest")}
	}
	named, err := reference.ParseNormalizedNamed(image)
	switch {
	case err != nil:
		return field.ErrorList{field.Invalid(path, value, "must name an image, such as busybox:latest: "+err.Error())}
	case reference.FamiliarName(named)+":" == idAlgorithm:
		return field.ErrorList{field.Invalid(path, value, "must name an image by its repository, not by its ID")}
	}
	return nil
}

// ValidateImageRequestLogOptions returns the errors of the options for the log of a request.
func ValidateImageRequestLogOptions(options *v1alpha1.ImageRequestLogOptions) field.ErrorList {
	var errs field.ErrorList
	if options.Format != "" && !slices.Contains(logFormats, options.Format) {
		errs = append(errs, field.NotSupported(field.NewPath("format"), options.Format, logFormats))
	}
	if options.Previous {
		errs = append(errs, field.Forbidden(field.NewPath("previous"), "a request runs once, so that there is no previous log"))
	}
	if options.Timestamps {
		errs = append(errs, field.Forbidden(field.NewPath("timestamps"), "Docker's messages have no times"))
	}
	return errs
}
