// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package standalone

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/rancher-sandbox/engine-apiserver/pkg/cmd/server/state"
)

const (
	minTokenLength = 16

	privateFile os.FileMode = 0o600
)

// Token returns the secret by which the server knows its clients. It keeps the secret in the state directory, and makes
// a new one if there is none or if it is too short.
func Token(dir *state.State) (string, error) {
	path := dir.Path("token")
	content, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("reading the token: %w", err)
	}
	if token := strings.TrimSpace(string(content)); len(token) >= minTokenLength {
		if err := os.Chmod(path, privateFile); err != nil {
			return "", fmt.Errorf("keeping the token private: %w", err)
		}
		return token, nil
	}
	token := rand.Text() + rand.Text()
	if err := state.Write(path, []byte(token+"\n")); err != nil {
		return "", fmt.Errorf("writing the token: %w", err)
	}
	return token, nil
}
