// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package server

import (
	"io"
	"os"
	"sync"

	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	"k8s.io/component-base/logs"
	logsapi "k8s.io/component-base/logs/api/v1"
)

func init() {
	utilruntime.Must(logsapi.AddFeatureGates(utilfeature.DefaultMutableFeatureGate))
}

// quiet drops log entries that are neither warnings nor errors. Each write is one entry, and its first letter is the
// severity.
type quiet struct{ io.Writer }

// Write implements io.Writer.
func (q quiet) Write(entry []byte) (int, error) {
	if len(entry) > 0 && entry[0] == 'I' {
		return len(entry), nil
	}
	return q.Writer.Write(entry)
}

// loggingOnce sets up logging once, because one process may run several servers.
var loggingOnce sync.Once

// setUpLogging sends logs to standard error. It sends only warnings and errors, unless the flags ask for more.
func setUpLogging(config *logsapi.LoggingConfiguration) (err error) {
	loggingOnce.Do(func() {
		logs.InitLogs()
		var out io.Writer = os.Stderr
		if config.Format == logsapi.DefaultLogFormat && config.Verbosity == 0 {
			out = quiet{out}
		}
		options := &logsapi.LoggingOptions{ErrorStream: out, InfoStream: out}
		err = logsapi.ValidateAndApplyWithOptions(config, options, utilfeature.DefaultFeatureGate)
	})
	return err
}
