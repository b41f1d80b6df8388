// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

// Package names holds the grammar of the names that Docker and this API use. Every string must pass a check of this
// package before it becomes part of the path of a request to Docker.
package names

import (
	"errors"
	"fmt"
	"path"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/distribution/reference"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers"
)

// The Docker client joins paths without escaping dots. A name such as ../containers/x would reach another endpoint.

var (
	fullID       = regexp.MustCompile(`^[a-f0-9]{64}$`)
	shortID      = regexp.MustCompile(`^[a-f0-9]{12}$`)
	fullImageID  = regexp.MustCompile(`^sha256:[a-f0-9]{64}$`)
	networkID    = regexp.MustCompile(`^([a-f0-9]{64}|[a-z0-9]{25})$`)
	errEmptyName = errors.New("must not be empty")
)

const (
	maxReference     = 4096
	imageIDAlgorithm = "sha256"
)

// IsCommon reports whether s follows Docker's own grammar for names. Containers of old engines and volumes of plugins may
// have other names.
func IsCommon(s string) bool { return containers.IsContainerName(s) }

// IsFullID reports whether s is a full ID without an algorithm, such as that of a container.
func IsFullID(s string) bool { return fullID.MatchString(s) }

// IsFullImageID reports whether s is a full image ID with its algorithm.
func IsFullImageID(s string) bool { return fullImageID.MatchString(s) }

// IsNetworkID reports whether s is the full ID of a network. The networks of a swarm have IDs of 25 characters.
func IsNetworkID(s string) bool { return networkID.MatchString(s) }

// ImageID returns an image ID with its algorithm. Podman leaves the algorithm out.
func ImageID(id string) string {
	if IsFullID(id) {
		return imageIDAlgorithm + ":" + id
	}
	return id
}

// IsPathSegment reports whether s can be one segment of the path of a Docker request.
func IsPathSegment(s string) bool { return IsPath(s) && !strings.Contains(s, "/") }

// IsPath reports whether s can be one or more segments of the path of a Docker request. Docker's client trims spaces at
// both ends, and Docker's router does not match a name with a line break.
func IsPath(s string) bool {
	return path.Clean("/"+s) == "/"+s && s != "" && strings.TrimSpace(s) == s && utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}

// TagOfName returns the tag that Docker means by the name of an Image, in its familiar form. For example, busybox and
// docker.io~library~busybox mean busybox:latest.
func TagOfName(name string) (string, error) {
	if strings.Contains(name, "/") {
		return "", errors.New("must have its slashes written as '~'")
	}
	named, err := parseReference(containers.ReferenceOfName(name))
	if err != nil {
		return "", err
	}
	if _, ok := named.(reference.Digested); ok {
		return "", errors.New("must be a tag, without a digest")
	}
	return reference.FamiliarString(reference.TagNameOnly(named)), nil
}

// FamiliarTag returns a tag in the form that the docker command shows.
func FamiliarTag(tag string) (string, error) {
	named, err := parseReference(tag)
	if err != nil {
		return "", err
	}
	tagged, ok := named.(reference.NamedTagged)
	if !ok {
		return "", errors.New("must name a tag, such as busybox:latest")
	}
	if _, ok := named.(reference.Digested); ok {
		return "", errors.New("must be a tag, without a digest")
	}
	return reference.FamiliarString(tagged), nil
}

func parseReference(s string) (reference.Named, error) {
	if s == "" {
		return nil, errEmptyName
	}
	if len(s) > maxReference {
		return nil, fmt.Errorf("must be no longer than %d characters", maxReference)
	}
	named, err := reference.ParseNormalizedNamed(s)
	if err != nil {
		return nil, fmt.Errorf("must be an image reference or an image ID: %w", err)
	}
	// Docker refuses such a name, because it looks like an ID.
	if reference.FamiliarName(named) == imageIDAlgorithm {
		return nil, errors.New("must not use a digest algorithm as the image's name")
	}
	return named, nil
}

// NormalReference returns the reference in its familiar form. If it has neither a tag nor a digest, it adds :latest.
func NormalReference(s string) (string, bool) {
	named, err := parseReference(s)
	if err != nil {
		return "", false
	}
	return reference.FamiliarString(reference.TagNameOnly(named)), true
}

// IsIDOf reports whether s is the full ID or the 12-digit ID. An object answers to these two forms.
func IsIDOf(s, id string) bool {
	id = strings.TrimPrefix(id, imageIDAlgorithm+":")
	s = strings.TrimPrefix(s, imageIDAlgorithm+":")
	return fullID.MatchString(id) && (s == id || shortID.MatchString(s) && strings.HasPrefix(id, s))
}

// IsImageID reports whether s looks like an image ID, full or with 12 digits.
func IsImageID(s string) bool {
	return fullImageID.MatchString(s) || fullID.MatchString(s) || shortID.MatchString(s)
}

// IsImagePath reports whether s can name an image in a path: an ID, full or with 12 digits, or a reference.
func IsImagePath(s string) bool {
	if IsImageID(s) {
		return true
	}
	_, err := parseReference(s)
	return err == nil
}
