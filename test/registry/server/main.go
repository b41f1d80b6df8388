// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

// Command server is the registry of the distribution project, on a free port of the loopback address. It prints the address, and
// ends when its standard input ends, so that it never outlives the test that started it.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/distribution/distribution/v3/configuration"
	_ "github.com/distribution/distribution/v3/registry/auth/htpasswd"
	"github.com/distribution/distribution/v3/registry/handlers"
	_ "github.com/distribution/distribution/v3/registry/storage/driver/filesystem"
	"github.com/sirupsen/logrus"
	"golang.org/x/crypto/bcrypt"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "registry: error:", err)
		os.Exit(1)
	}
}

func run() error {
	dir := flag.String("dir", "", "Directory of the registry's content.")
	users := flag.String("users", "", "Users that may read and write, as NAME:PASSWORD, separated by commas. Without any, everybody may.")
	flag.Parse()
	config := &configuration.Configuration{
		Storage: configuration.Storage{
			"filesystem": {"rootdirectory": filepath.Join(*dir, "content")},
			"delete":     {"enabled": true},
		},
	}
	config.Log.AccessLog.Disabled = true
	logrus.SetLevel(logrus.FatalLevel)
	if *users != "" {
		path := filepath.Join(*dir, "users")
		if err := writeUsers(path, strings.Split(*users, ",")); err != nil {
			return fmt.Errorf("writing the users: %w", err)
		}
		config.Auth = configuration.Auth{"htpasswd": {"realm": "tests", "path": path}}
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	registry := &http.Server{Handler: handlers.NewApp(context.Background(), config), ReadHeaderTimeout: time.Minute}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		registry.Close()
	}()
	fmt.Println(listener.Addr())
	if err := registry.Serve(listener); err != http.ErrServerClosed {
		return err
	}
	return nil
}

func writeUsers(path string, users []string) error {
	var lines strings.Builder
	for _, user := range users {
		name, password, _ := strings.Cut(user, ":")
		hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
		if err != nil {
			return err
		}
		fmt.Fprintf(&lines, "%s:%s\n", name, hash)
	}
	return os.WriteFile(path, []byte(lines.String()), 0o600)
}
