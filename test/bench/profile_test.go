// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package bench_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// profileSeconds is how long a CPU profile of a row lasts.
const profileSeconds = 10

// profiled measures a row. With -profiles it also takes profiles of the server during the row.
func (s *setting) profiled(r row) {
	if *profiles == "" || s.server == nil {
		r.measure(s)
		return
	}
	server, done := s.server.cluster, make(chan struct{})
	go func() {
		defer close(done)
		s.profile(server, strings.ReplaceAll(r.name, " ", "-")+".cpu", fmt.Sprintf("profile?seconds=%d", profileSeconds))
	}()
	r.measure(s)
	<-done
	if s.server.cluster == server {
		for _, kind := range []string{"heap", "mutex", "block"} {
			s.profile(server, kind, kind)
		}
	}
}

// profile writes a profile of the server to a file. There is no profile if the server is stopped in the meantime.
func (s *setting) profile(server *cluster, name, path string) {
	content, err := server.do(s.Context(), "GET", "/debug/pprof/"+path, nil)
	if err != nil {
		s.Logf("profile %s: %v", name, err)
		return
	}
	if err := os.WriteFile(filepath.Join(*profiles, name+".pprof"), content, 0o644); err != nil {
		s.Error(err)
	}
}
