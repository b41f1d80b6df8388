// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package apiserver

import (
	"net/url"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/utils/ptr"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers"
	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

func decode(t *testing.T, query string, into runtime.Object) error {
	t.Helper()
	values, err := url.ParseQuery(query)
	if err != nil {
		t.Fatal(err)
	}
	return parameterCodec.DecodeParameters(values, v1alpha1.SchemeGroupVersion, into)
}

func TestQueriesBecomeOptions(t *testing.T) {
	for query, want := range map[string]runtime.Object{
		"": &v1alpha1.ContainerLogOptions{},
		"follow=true&sinceSeconds=9&timestamps=1&tailLines=0&limitBytes=7&stream=Stderr&container=x&insecureSkipTLSVerifyBackend=true": &v1alpha1.ContainerLogOptions{
			Follow: true, SinceSeconds: ptr.To[int64](9), Timestamps: true, TailLines: ptr.To[int64](0), LimitBytes: ptr.To[int64](7),
			Stream: "Stderr", Container: "x", InsecureSkipTLSVerifyBackend: true,
		},
		"sinceTime=2026-01-02T03:04:05.123456789Z&untilTime=2026-01-02T03:04:05%2B02:00": &v1alpha1.ContainerLogOptions{
			SinceTime: "2026-01-02T03:04:05.123456789Z", UntilTime: "2026-01-02T03:04:05+02:00",
		},
		"follow=FALSE&previous=0": &v1alpha1.ContainerLogOptions{},
		"follow":                  &v1alpha1.ContainerLogOptions{Follow: true},
		"pretty=true&timeout=30s": &v1alpha1.ContainerLogOptions{},
		"command=sh&command=-c&command=&stdin=true&stdout=true&stderr=true&user=0:0&workingDir=/&env=A=1&env=B=&privileged=true": &v1alpha1.ContainerExecOptions{
			Command: []string{"sh", "-c", ""}, Stdin: true, Stdout: true, Stderr: true, User: "0:0", WorkingDir: "/",
			Env: []string{"A=1", "B="}, Privileged: true,
		},
		"stdin=true&tty=true&logs=true": &v1alpha1.ContainerAttachOptions{Stdin: true, TTY: true, Logs: true},
		"ports=80&ports=443,8080":       &v1alpha1.ContainerPortForwardOptions{Ports: []int32{80, 443, 8080}},
		"explain=true":                  &v1alpha1.ContainerPortForwardOptions{Explain: true},
		"path=/etc/hosts&stat=true":     &v1alpha1.ContainerArchiveOptions{Path: "/etc/hosts", Stat: true},
		"container=&follow=1&previous=false&timestamps=false&pretty=true": &v1alpha1.ImageRequestLogOptions{Follow: true},
		"container=x&format=json": &v1alpha1.ImageRequestLogOptions{Container: "x", Format: "json"},
		"psArgs=-o+pid,args":      &v1alpha1.ContainerTopOptions{PSArgs: "-o pid,args"},
	} {
		got := reflect.New(reflect.TypeOf(want).Elem()).Interface().(runtime.Object)
		if err := decode(t, query, got); err != nil {
			t.Errorf("%s: %v", query, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", query, diff)
		}
	}
}

func TestQueriesWithMistakesAreRefused(t *testing.T) {
	for _, test := range []struct {
		query string
		into  runtime.Object
		want  string
	}{
		{"tail=5", &v1alpha1.ContainerLogOptions{}, `there is no parameter "tail": use one of container, follow, `},
		{"kind=Container", &v1alpha1.ContainerLogOptions{}, `there is no parameter "kind"`},
		{"Follow=true", &v1alpha1.ContainerLogOptions{}, `there is no parameter "Follow"`},
		{"follow=no", &v1alpha1.ContainerLogOptions{}, `parameter follow: "no" is neither true nor false`},
		{"follow=f", &v1alpha1.ContainerLogOptions{}, `parameter follow: "f" is neither true nor false`},
		{"tailLines=all", &v1alpha1.ContainerLogOptions{}, `parameter tailLines: "all" is not a number`},
		{"tailLines=", &v1alpha1.ContainerLogOptions{}, `parameter tailLines: "" is not a number`},
		{"limitBytes=9223372036854775808", &v1alpha1.ContainerLogOptions{}, "too large"},
		{"sinceSeconds=1&sinceSeconds=2", &v1alpha1.ContainerLogOptions{}, "parameter sinceSeconds: it is given 2 times"},
		{"stdout=true&detachKeys=a", &v1alpha1.ContainerExecOptions{}, `there is no parameter "detachKeys"`},
		{"command=ls", &v1alpha1.ContainerAttachOptions{}, `there is no parameter "command"`},
		{"ports=http", &v1alpha1.ContainerPortForwardOptions{}, `"http"`},
		{"ports=70000", &v1alpha1.ContainerPortForwardOptions{}, `"70000"`},
		{"path=/a&path=/b", &v1alpha1.ContainerArchiveOptions{}, "parameter path: it is given 2 times"},
		{"ps_args=x", &v1alpha1.ContainerTopOptions{}, `there is no parameter "ps_args": use one of psArgs`},
	} {
		if err := decode(t, test.query, test.into); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%T %s: %v, want %s", test.into, test.query, err, test.want)
		}
	}
}

// FuzzParameters promises that valid options which were read from a query survive the way of a client: they are written as a
// query, and read from it again.
func FuzzParameters(f *testing.F) {
	for _, seed := range []string{
		"follow=true&tailLines=0", "sinceTime=2026-01-02T03:04:05.123456789Z&limitBytes=-1", "command=sh&command=&env=A=1&env=",
		"stdin&tty=1&logs=FALSE", "ports=1,2&ports=65535", "path=%00&stat=true", "psArgs=-o+pid&pretty", "a=%zz", "follow=&follow=",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, query string) {
		values, err := url.ParseQuery(query)
		if err != nil {
			return
		}
		for _, empty := range v1alpha1.OptionTypes() {
			options, again := empty.DeepCopyObject(), empty.DeepCopyObject()
			if parameterCodec.DecodeParameters(values, v1alpha1.SchemeGroupVersion, options) != nil {
				continue
			}
			// Clients leave empty variables out, and the server refuses them.
			if exec, ok := options.(*v1alpha1.ContainerExecOptions); ok && len(containers.ValidateContainerExecOptions(exec)) > 0 {
				continue
			}
			written, err := parameterCodec.EncodeParameters(options, v1alpha1.SchemeGroupVersion)
			if err != nil {
				t.Fatalf("%T of %q cannot be written: %v", options, query, err)
			}
			if err := parameterCodec.DecodeParameters(written, v1alpha1.SchemeGroupVersion, again); err != nil {
				t.Fatalf("%T of %q is written as %q: %v", options, query, written.Encode(), err)
			}
			if diff := cmp.Diff(options, again); diff != "" {
				t.Errorf("%T of %q is written as %q: %s", options, query, written.Encode(), diff)
			}
		}
	})
}
