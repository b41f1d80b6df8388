// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package transfers

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/docker/docker/pkg/jsonmessage"

	"github.com/rancher-sandbox/engine-apiserver/pkg/apis/containers/v1alpha1"
)

const (
	// maxWord is how long the ID and the phase of a layer may be. Docker's are shorter.
	maxWord = 128
	// maxMessage is how long a message may be that a status shows.
	maxMessage = 4 << 10
)

// Docker's words for the phases of a layer.
var (
	// transferring are the phases whose progress counts bytes of the layer. Docker counts from 0 again when it extracts
	// the layer.
	transferring = map[string]bool{"Downloading": true, "Pushing": true}
	transferred  = map[string]bool{"Verifying Checksum": true, "Download complete": true, "Extracting": true, "Pull complete": true, "Pushed": true}
)

// message is one of Docker's messages. Docker's own type calls the field error deprecated, but podman has no other.
type message struct {
	Status      string                    `json:"status,omitempty"`
	ID          string                    `json:"id,omitempty"`
	Progress    *jsonmessage.JSONProgress `json:"progressDetail,omitempty"`
	ErrorDetail *jsonmessage.JSONError    `json:"errorDetail,omitempty"`
	Error       string                    `json:"error,omitempty"`
	Aux         json.RawMessage           `json:"aux,omitempty"`
}

// said is what Docker has said so far about the image as a whole.
type said struct {
	message, digest string
	failed          bool
}

// read reports Docker's messages until the end of the stream. Docker answers 200 before it begins, so that an error is
// one of the messages.
func read(stream io.Reader, report Report) (*said, error) {
	result := &said{}
	decoder := json.NewDecoder(stream)
	for {
		var raw json.RawMessage
		err := decoder.Decode(&raw)
		if errors.Is(err, io.EOF) {
			return result, nil
		}
		if errors.As(err, new(*json.SyntaxError)) {
			return result, unreadable(err)
		}
		if err != nil {
			return result, err
		}
		var m message
		if err := json.Unmarshal(raw, &m); err != nil {
			return result, unreadable(err)
		}
		if err := result.take(m, raw, report); err != nil {
			return result, err
		}
	}
}

func unreadable(err error) error {
	return &Failure{v1alpha1.RequestFailedOtherwise, fmt.Errorf("reading what the engine says about the image: %w", err)}
}

func (s *said) take(m message, raw []byte, report Report) error {
	report.Log(keyOf(m), compact(raw))
	if text := errorOf(m); text != "" {
		s.failed = true
		return errors.New(text)
	}
	var aux struct{ Digest string }
	if json.Unmarshal(m.Aux, &aux) == nil && aux.Digest != "" {
		s.setDigest(aux.Digest, report)
	}
	switch {
	case m.Status == "":
	case isOfLayer(m):
		reportLayer(m, report)
	default:
		s.takeStatus(m.Status, report)
	}
	return nil
}

// takeStatus takes what Docker says about the whole image. It names digests in words: "Digest: D" of a pull, and
// "TAG: digest: D size: N" of a push.
func (s *said) takeStatus(status string, report Report) {
	if digest, ok := strings.CutPrefix(status, "Digest: "); ok {
		s.setDigest(digest, report)
		return
	}
	if _, rest, ok := strings.Cut(status, ": digest: "); ok {
		digest, _, _ := strings.Cut(rest, " ")
		s.setDigest(digest, report)
	}
	s.message = cut(strings.TrimPrefix(status, "Status: "), maxMessage)
	report.Message(s.message)
}

func (s *said) setDigest(digest string, report Report) {
	s.digest = cut(strings.TrimSpace(digest), maxMessage)
	report.Digest(s.digest)
}

// isOfLayer reports whether a message is about one layer. The message "Pulling from R" has the tag as its ID.
func isOfLayer(m message) bool {
	return m.ID != "" && len(m.ID) <= maxWord && !strings.HasPrefix(m.Status, "Pulling from ")
}

func reportLayer(m message, report Report) {
	phase := cut(m.Status, maxWord)
	switch {
	case transferred[phase]:
		report.Layer(m.ID, phase, 0, 0)
		report.Complete(m.ID, phase)
	case transferring[phase] && m.Progress != nil && m.Progress.Units == "":
		// Docker says 0 or -1 for a total that the registry does not tell.
		report.Layer(m.ID, phase, max(0, m.Progress.Current), max(0, m.Progress.Total))
	default:
		report.Layer(m.ID, phase, 0, 0)
	}
}

func errorOf(m message) string {
	if m.ErrorDetail != nil && m.ErrorDetail.Message != "" {
		return m.ErrorDetail.Message
	}
	return m.Error
}

// keyOf returns what a message replaces: the last message about the same layer in the same phase.
func keyOf(m message) string {
	if m.Progress == nil || m.Progress.Current == 0 && m.Progress.Total == 0 || m.ID == "" || errorOf(m) != "" {
		return ""
	}
	return m.ID + " " + m.Status
}

// compact returns a message on one line.
func compact(raw []byte) []byte {
	var line bytes.Buffer
	if json.Compact(&line, raw) != nil {
		return nil // it was decoded before, so it cannot be wrong
	}
	return line.Bytes()
}

func cut(s string, length int) string {
	if len(s) > length {
		return strings.ToValidUTF8(s[:length], "")
	}
	return s
}

// ErrorMessage returns the message with which Docker would report an error.
func ErrorMessage(err error) []byte {
	text, marshalErr := json.Marshal(message{ErrorDetail: &jsonmessage.JSONError{Message: err.Error()}, Error: err.Error()})
	if marshalErr != nil {
		return nil // strings always have a form in JSON
	}
	return text
}

// Text returns a message as the docker command prints it where there is no terminal. It is empty for a message about
// progress.
func Text(raw []byte) []byte {
	var m message
	var shown jsonmessage.JSONMessage
	if json.Unmarshal(raw, &m) != nil || json.Unmarshal(raw, &shown) != nil {
		return nil
	}
	if said := errorOf(m); said != "" {
		return []byte(said + "\n")
	}
	var text bytes.Buffer
	_ = shown.Display(&text, false) // its error is that of the message
	return text.Bytes()
}
