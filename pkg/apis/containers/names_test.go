// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package containers

import (
	"strconv"
	"strings"
	"testing"
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

func TestANameLooksMadeIfTheNameBeforeItsDigitsDoes(t *testing.T) {
	for name, want := range map[string]bool{
		"":                               false,
		"-0123456789":                    true,
		".-0123456789":                   true,
		"..-0123456789":                  true,
		"...-0123456789":                 false,
		"a~b-0123456789":                 true,
		"a~b-0123456789-abcdefabcd":      true,
		"-0123456789-abcdefabcd":         true,
		"web-0123456789-abcdefabcd":      false,
		"a~b-0123456789-ABCDEFABCD":      false,
		"a~b-0123456789-x-abcdefabcd":    true,
		"-0123456789-x-abcdefabcd":       false,
		"web":                            false,
		"~":                              false,
		"~0123456789":                    false,
		"a~b-01234567890":                false,
		strings.Repeat(suffix, 100_000):  true,
		"x" + strings.Repeat(suffix, 10): false,
	} {
		if got := IsMadeName(name); got != want {
			t.Errorf("%.40q looks made: %v", name, got)
		}
	}
}

const suffix = "-0123456789"

// BenchmarkIsMadeName shows how the time grows with the length of a name, which a client may choose.
func BenchmarkIsMadeName(b *testing.B) {
	for _, length := range []int{1 << 10, 1 << 20} {
		name := "x" + strings.Repeat(suffix, length/len(suffix))
		b.Run(strconv.Itoa(length), func(b *testing.B) {
			b.SetBytes(int64(len(name)))
			for b.Loop() {
				IsMadeName(name)
			}
		})
	}
}
