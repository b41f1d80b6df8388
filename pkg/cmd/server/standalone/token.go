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
)

const minTokenLength = 16

// Token returns the secret that clients show, a new one where there is none.
func (s *State) Token() (string, error) {
	path := s.path("token")
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
	if err := write(path, []byte(token+"\n")); err != nil {
		return "", fmt.Errorf("writing the token: %w", err)
	}
	return token, nil
}
