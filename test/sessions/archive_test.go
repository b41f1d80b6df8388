// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package sessions

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/container"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/remotecommand"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
	"github.com/rancher-sandbox/engine-apiserver/test/engine"
	"github.com/rancher-sandbox/engine-apiserver/test/testserver"
)

func archive(config *rest.Config, name, path string) session {
	return session{config, "WebSocket", name + "/archive", url.Values{"path": {path}}}
}

// copyFrom has a copy of a path in a container.
func (s session) copyFrom(ctx context.Context) ([]byte, error) {
	var archive bytes.Buffer
	err := s.stream(ctx, remotecommand.StreamOptions{Stdout: &archive})
	return archive.Bytes(), err
}

// copyTo unpacks an archive in a container.
func (s session) copyTo(ctx context.Context, archive io.Reader) error {
	return s.stream(ctx, remotecommand.StreamOptions{Stdin: archive})
}

// tarOf returns an archive with one file.
func tarOf(t *testing.T, name string, content []byte) []byte {
	t.Helper()
	var archive bytes.Buffer
	writer := tar.NewWriter(&archive)
	must(t, writer.WriteHeader(&tar.Header{Name: name, Mode: 0o640, Size: int64(len(content))}))
	_, err := writer.Write(content)
	must(t, err)
	must(t, writer.Close())
	return archive.Bytes()
}

func TestFilesAreCopiedToAContainerAndBack(t *testing.T) {
	name := engine.UniqueName("web")
	eng.Run(t, name)
	config := testserver.Start(t, eng.Host()).Config(t)
	for protocol := range protocols {
		content := bytes.Repeat([]byte("0123456789abcdef"), 1<<18)
		must(t, archive(config, name, "/bin").over(protocol).copyTo(t.Context(), bytes.NewReader(tarOf(t, "file", content))))
		copied, err := archive(config, name, "/bin/file").over(protocol).copyFrom(t.Context())
		must(t, err)
		reader := tar.NewReader(bytes.NewReader(copied))
		header, err := reader.Next()
		must(t, err)
		got, err := io.ReadAll(reader)
		if err != nil || header.Name != "file" || header.Mode&0o777 != 0o640 || !bytes.Equal(got, content) {
			t.Errorf("%s: %+v, %d bytes, want %d: %v", protocol, header, len(got), len(content), err)
		}
	}
}

func TestFilesAreCopiedToAndFromAContainerThatDoesNotRun(t *testing.T) {
	name := engine.UniqueName("created")
	eng.Create(t, name)
	config := testserver.Start(t, eng.Host()).Config(t)
	must(t, archive(config, name, "/").copyTo(t.Context(), bytes.NewReader(tarOf(t, "file", []byte("x")))))
	_, err := archive(config, name, "/file").copyFrom(t.Context())
	must(t, err)
}

func TestACopyThatIsCutOffIsNoFile(t *testing.T) {
	name := engine.UniqueName("web")
	eng.Run(t, name)
	config := testserver.Start(t, eng.Host()).Config(t)
	for protocol := range protocols {
		file := engine.UniqueName("file")
		whole := tarOf(t, file, bytes.Repeat([]byte("x"), 1<<20))
		ctx, leave := context.WithCancel(t.Context())
		reader, writer := io.Pipe()
		ended := make(chan error, 1)
		go func() { ended <- archive(config, name, "/").over(protocol).copyTo(ctx, reader) }()
		_, err := writer.Write(whole[:len(whole)/2])
		must(t, err)
		leave()
		if err := receive(t, "the end", ended); err == nil {
			t.Errorf("%s: a copy that was cut off ended without an error", protocol)
		}
		writer.Close()
	}
}

func TestPathsThatAreNotThereOrAreNoDirectoryAreRefusedInOneClearLine(t *testing.T) {
	name := engine.UniqueName("web")
	eng.Run(t, name)
	config := testserver.Start(t, eng.Host()).Config(t)
	empty := tarOf(t, "file", nil)
	for protocol := range protocols {
		_, err := archive(config, name, "/none").over(protocol).copyFrom(t.Context())
		expectWords(t, err, `there is no "/none" in the container`)
		expectWords(t, archive(config, name, "/none").over(protocol).copyTo(t.Context(), bytes.NewReader(empty)), `there is no "/none" in the container`)
		expectWords(t, archive(config, name, "/etc/hostname").over(protocol).copyTo(t.Context(), bytes.NewReader(empty)), "is not a directory")
		expectWords(t, archive(config, name, "/").over(protocol).copyTo(t.Context(), strings.NewReader("this is no archive")), "the input is no tar archive that can be unpacked: ")
		_, err = archive(config, "none", "/").over(protocol).copyFrom(t.Context())
		expectWords(t, err, `"none" not found`)
	}
}

func TestWhatDockerCannotCopyIsNoInternalError(t *testing.T) {
	name, readOnly := engine.UniqueName("web"), engine.UniqueName("read-only")
	eng.Run(t, name, engine.Command("sh", "-c", "mkdir /d /d/sub; echo x >/d/file; ln -s /loop /loop; "+strings.Join(engine.Stubborn, " ")))
	eng.Run(t, readOnly, func(_ *container.Config, host *container.HostConfig) { host.ReadonlyRootfs = true })
	config := testserver.Start(t, eng.Host()).Config(t)
	eventually(t, "the files are there", func() bool {
		_, err := archive(config, name, "/d/file").copyFrom(t.Context())
		return err == nil
	})
	file, tooLong := tarOf(t, "file", nil), "/"+strings.Repeat("x", 300)
	for _, refused := range []struct {
		name, path string
		archive    []byte // for a copy to the container
		words      string
	}{
		{name, "/d/file/", nil, `"/d/file/": not a directory`},
		{name, "/d/file/x", nil, `"/d/file/x": not a directory`},
		{name, "/loop", nil, `"/loop": too many l`},
		{name, tooLong, nil, "file name too long"},
		{name, "/d/file/x", file, `"/d/file/x": not a directory`},
		{name, "/d", tarOf(t, "sub", nil), "cannot overwrite directory"},
		{name, "/d", tarOf(t, "../../out", nil), "the input is no tar archive that can be unpacked: "},
		{name, "/d", bytes.Repeat([]byte("x"), 4096), "the input is no tar archive that can be unpacked: "},
		{name, "/d", tarOf(t, "cut", make([]byte, 4096))[:2048], "the input is no tar archive that can be unpacked: "},
		{readOnly, "/", file, "marked read-only"},
	} {
		var err error
		if refused.archive == nil {
			_, err = archive(config, refused.name, refused.path).copyFrom(t.Context())
		} else {
			err = archive(config, refused.name, refused.path).copyTo(t.Context(), bytes.NewReader(refused.archive))
		}
		expectWords(t, err, refused.words)
		if err != nil && (strings.Contains(err.Error(), "Internal error") || strings.Contains(err.Error(), eng.Dir())) {
			t.Errorf("%s: %v", refused.path, err)
		}
	}
}

func expectWords(t *testing.T, err error, words string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), words) || strings.Contains(err.Error(), "\n") {
		t.Errorf("%v, want %s", err, words)
	}
}

func TestWhatIsAtAPathIsAnsweredWithoutASession(t *testing.T) {
	name := engine.UniqueName("web")
	eng.Run(t, name)
	config := testserver.Start(t, eng.Host()).Config(t)
	client, err := rest.HTTPClientFor(config)
	must(t, err)
	t.Cleanup(client.CloseIdleConnections)
	ask := func(path string) (int, []byte) {
		response, err := client.Get(config.Host + containers + name + "/archive?stat=true&path=" + url.QueryEscape(path))
		must(t, err)
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		must(t, err)
		return response.StatusCode, body
	}
	code, body := ask("/bin")
	var stat v1alpha1.ContainerPathStat
	must(t, json.Unmarshal(body, &stat))
	if code != http.StatusOK || stat.Name != "bin" || !stat.IsDirectory || !strings.HasPrefix(stat.Mode, "d") || stat.ModifiedAt.IsZero() {
		t.Errorf("%d %s", code, body)
	}
	if code, body := ask("/none"); code != http.StatusNotFound || !strings.Contains(string(body), `there is no \"/none\" in the container`) {
		t.Errorf("%d %s", code, body)
	}
	// Docker answers the request for it with an error that has no words.
	if code, body := ask("/etc/hostname/x"); code != http.StatusConflict || !strings.Contains(string(body), `\"/etc/hostname/x\": not a directory`) {
		t.Errorf("%d %s", code, body)
	}
}
