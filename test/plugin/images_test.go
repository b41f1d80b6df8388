// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package plugin_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/cli/cli/command/formatter"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/image"

	"github.com/rancher-sandbox/engine-apiserver/test/engine"
	"github.com/rancher-sandbox/engine-apiserver/test/kubectl"
)

// dockerImages returns what docker images prints.
func dockerImages(t *testing.T, format string, quiet, digests, trunc bool, chosen filters.Args) string {
	t.Helper()
	listed, err := docker.Client().ImageList(t.Context(), image.ListOptions{Filters: chosen})
	if err != nil {
		t.Fatal(err)
	}
	var printed bytes.Buffer
	if err := formatter.ImageWrite(formatter.ImageContext{
		Context: formatter.Context{Output: &printed, Format: formatter.NewImageFormat(format, quiet, digests), Trunc: trunc},
		Digest:  digests,
	}, listed); err != nil {
		t.Fatal(err)
	}
	return printed.String()
}

// sorted returns the lines of an output in the order of their letters. Docker mixes up images of the same age.
func sorted(output string) string {
	lines := strings.Split(strings.TrimSpace(withoutTimes(output)), "\n")
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

func TestImagesPrintsWhatDockerPrints(t *testing.T) {
	repository := engine.UniqueName("repo")
	docker.Image(t, repository+":one")
	docker.Tag(t, repository+":one", repository+":two")
	docker.Tag(t, repository+":one", "localhost:5000/team/"+repository+":v1")
	docker.DanglingImage(t)

	one := func(name, value string) filters.Args { return filters.NewArgs(filters.Arg(name, value)) }
	for name, test := range map[string]struct {
		arguments      []string
		format         string
		quiet, digests bool
		trunc          bool
		chosen         filters.Args
	}{
		"all":          {[]string{"images"}, "table", false, false, true, filters.Args{}},
		"even more":    {[]string{"images", "-a"}, "table", false, false, true, filters.Args{}},
		"the twin":     {[]string{"image", "ls"}, "table", false, false, true, filters.Args{}},
		"its alias":    {[]string{"image", "list"}, "table", false, false, true, filters.Args{}},
		"quiet":        {[]string{"images", "-q"}, "table", true, false, true, filters.Args{}},
		"full":         {[]string{"images", "--no-trunc"}, "table", false, false, false, filters.Args{}},
		"digests":      {[]string{"images", "--digests"}, "table", false, true, true, filters.Args{}},
		"a template":   {[]string{"images", "--format", "{{.Repository}} {{.Tag}} {{.Size}}"}, "{{.Repository}} {{.Tag}} {{.Size}}", false, false, true, filters.Args{}},
		"a repository": {[]string{"images", repository}, "table", false, false, true, one("reference", repository)},
		"a tag":        {[]string{"images", repository + ":two"}, "table", false, false, true, one("reference", repository+":two")},
		"a pattern":    {[]string{"images", "localhost:5000/*/*"}, "table", false, false, true, one("reference", "localhost:5000/*/*")},
		"none":         {[]string{"images", "absent"}, "table", false, false, true, one("reference", "absent")},
		"dangling":     {[]string{"images", "-f", "dangling=true"}, "table", false, false, true, one("dangling", "true")},
		"not dangling": {[]string{"images", "-f", "dangling=false"}, "table", false, false, true, one("dangling", "false")},
		"labelled":     {[]string{"images", "-f", "label=absent"}, "table", false, false, true, one("label", "absent")},
	} {
		got := sorted(ok(t, test.arguments...))
		want := sorted(dockerImages(t, test.format, test.quiet, test.digests, test.trunc, test.chosen))
		if got != want {
			t.Errorf("%s:\n%s\nwant:\n%s", name, got, want)
		}
	}
}

func TestImagesLsSaysWhatWasMeant(t *testing.T) {
	r := run(t, "images", "ls")
	if r.code != 0 || r.stderr != `no image has the name "ls": did you mean "kubectl engine image ls"?`+"\n" {
		t.Errorf("%+v", r)
	}
}

// hasImage reports whether Docker has an image or a tag.
func hasImage(t *testing.T, reference string) bool {
	t.Helper()
	_, err := docker.Client().ImageInspect(t.Context(), reference)
	if err != nil && !cerrdefs.IsNotFound(err) {
		t.Fatal(err)
	}
	return err == nil
}

func TestRmiSaysWhatItHasUntaggedAndDeleted(t *testing.T) {
	name := engine.UniqueName("gone")
	id := docker.Image(t, name+":one")
	docker.Tag(t, id, "localhost:5000/team/"+name+":two")
	if got := ok(t, "rmi", "docker.io/library/"+name+":one"); got != "Untagged: "+name+":one\n" || !hasImage(t, id) {
		t.Errorf("%q", got)
	}
	if got := ok(t, "image", "rm", "localhost:5000/team/"+name+":two"); got != "Untagged: localhost:5000/team/"+name+":two\nDeleted: "+id+"\n" || hasImage(t, id) {
		t.Errorf("%q", got)
	}
	dangling := docker.DanglingImage(t)
	if got := ok(t, "rmi", strings.TrimPrefix(dangling, "sha256:")[:20]); got != "Deleted: "+dangling+"\n" || hasImage(t, dangling) {
		t.Errorf("%q", got)
	}
}

func TestRmiByIDRemovesAllTagsOfOneRepository(t *testing.T) {
	name, other := engine.UniqueName("one"), engine.UniqueName("other")
	id := docker.Image(t, name+":1")
	docker.Tag(t, id, name+":2")
	docker.Tag(t, id, other+":1")
	short := strings.TrimPrefix(id, "sha256:")[:12]
	fails(t, []string{"cannot remove " + short, "several repositories", name + ":1, " + name + ":2, " + other + ":1", "-f"}, "rmi", short)
	ok(t, "rmi", other+":1")
	want := "Untagged: " + name + ":1\nUntagged: " + name + ":2\nDeleted: " + id + "\n"
	if got := ok(t, "rmi", short); got != want || hasImage(t, id) {
		t.Errorf("%q", got)
	}
}

func TestRmiWithForceRemovesAnImageOfSeveralRepositories(t *testing.T) {
	name, other := engine.UniqueName("a"), engine.UniqueName("b")
	id := docker.Image(t, name+":1")
	docker.Tag(t, id, other+":1")
	want := "Untagged: " + name + ":1\nUntagged: " + other + ":1\nDeleted: " + id + "\n"
	if got := ok(t, "rmi", "-f", id); got != want || hasImage(t, id) {
		t.Errorf("%q", got)
	}
}

func TestRmiOfSeveralGoesOnAfterARefusal(t *testing.T) {
	first, used, last := engine.UniqueName("first"), engine.UniqueName("used"), engine.UniqueName("last")
	docker.Image(t, first)
	docker.Image(t, last)
	docker.Image(t, used)
	user := docker.Create(t, engine.UniqueName("user"), func(config *container.Config, _ *container.HostConfig) { config.Image = used })
	r := run(t, "rmi", first, used, "absent", last)
	if r.code != 1 || strings.Count(r.stdout, "Untagged: ") != 2 || strings.Count(r.stdout, "Deleted: ") != 2 || strings.Count(r.stderr, "\n") != 2 {
		t.Errorf("%+v", r)
	}
	kubectl.Contains(t, r.stderr, "error: cannot remove "+used+": ", user[:12], "error: no such image: absent\n")
	if hasImage(t, first) || !hasImage(t, used) || hasImage(t, last) {
		t.Error("another image is gone")
	}
	// With force docker also removes an image of a stopped container, and takes one that is not there for removed.
	r = run(t, "rmi", "-f", used, "team/absent")
	if r.code != 0 || !strings.HasPrefix(r.stdout, "Untagged: "+used+":latest\n") || r.stderr != "no such image: team/absent\n" {
		t.Errorf("%+v", r)
	}
}

func TestTheBeginningOfAnImageIDMustBeUnique(t *testing.T) {
	// Of 17 IDs two begin with the same digit.
	byDigit := map[string]int{}
	for range 17 {
		byDigit[strings.TrimPrefix(docker.DanglingImage(t), "sha256:")[:1]]++
	}
	for digit, count := range byDigit {
		if count > 1 {
			fails(t, []string{"the IDs of", "images begin with " + digit}, "rmi", digit)
		}
	}
}

func TestTagsOfImagesAreCompleted(t *testing.T) {
	prefix := "localhost:5000/" + engine.UniqueName("complete")
	docker.Image(t, prefix+":1")
	docker.Tag(t, prefix+":1", prefix+"/team:2")
	k := kubectl.Any(t, server.Kubeconfig)
	checkCompletion(t, k, "rmi", prefix, prefix+":1", prefix+"/team:2")
	checkCompletion(t, k, "image rm "+prefix+":1", prefix, prefix+"/team:2")
}
