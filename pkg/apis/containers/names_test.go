// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package containers

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/api/validate/content"
)

func TestANameThatKubernetesAllowsIsKept(t *testing.T) {
	for _, name := range []string{"web", "My_Vol.Ume", "x", "_db", "...", "two words", "vol1@datastore1", "ünï", "lost+found", "a~b", "web-0123456789",
		"a~b-012345678", "a~b-012345678A", strings.Repeat("n", 5000)} {
		if got := ObjectName(name); got != name {
			t.Errorf("%.80q becomes %.80q", name, got)
		}
	}
}

func TestANameThatKubernetesForbidsBecomesOneThatTellsWhichItWas(t *testing.T) {
	for name, want := range map[string]string{
		"team/share":               "team~share-50858a5dcc",
		"100%":                     "100~-32e48995f9",
		"a\nb":                     "a~b-7e18f73731",
		"":                         "-e3b0c44298",
		".":                        ".-cdb4ee2aea",
		"..":                       "..-5ec1f7e700",
		"a~b-0123456789":           "a~b-0123456789-ba09bbe119",
		"-e3b0c44298":              "-e3b0c44298-ff13c07adb",
		"..-5ec1f7e700":            "..-5ec1f7e700-3596845e97",
		"..-5ec1f7e700-3596845e97": "..-5ec1f7e700-3596845e97-4b550e2c71",
	} {
		if got := ObjectName(name); got != want {
			t.Errorf("%q becomes %q, want %q", name, got, want)
		}
	}
}

// FuzzObjectName promises that every name becomes one that Kubernetes allows, and that no two valid names become the
// same.
func FuzzObjectName(f *testing.F) {
	for _, seed := range [][2]string{{"team/share", "team~share"}, {"a/b", "a%b"}, {"a/b", "a~b-c14cddc033"}, {"", "-e3b0c44298"}, {".", ".-cdb4ee2aea"}, {"..", ".."}, {"a\x00", "a\x01"}, {"web", "web"}} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		name := ObjectName(a)
		if errs := content.IsPathSegmentName(name); len(errs) > 0 || name == "" {
			t.Errorf("%q becomes %q: %v", a, name, errs)
		}
		if name != a && !IsMadeName(name) {
			t.Errorf("%q becomes %q, which does not look made", a, name)
		}
		if a != b && strings.ToValidUTF8(a, "") == a && strings.ToValidUTF8(b, "") == b && name == ObjectName(b) {
			t.Errorf("%q and %q become %q", a, b, name)
		}
	})
}
