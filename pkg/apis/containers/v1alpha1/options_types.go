// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Values of ContainerLogOptions.Stream.
const (
	// LogStreamAll is both outputs, in the order in which Docker received them.
	LogStreamAll = "All"
	// LogStreamStdout is the standard output. A container with a terminal writes everything to it.
	LogStreamStdout = "Stdout"
	// LogStreamStderr is the standard error.
	LogStreamStderr = "Stderr"
)

// +k8s:conversion-gen:explicit-from=net/url.Values
// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// ContainerLogOptions are the query parameters of a container's subresource log. Times are strings, because a metav1.Time
// in a query would lose the digits after the second.
type ContainerLogOptions struct {
	metav1.TypeMeta `json:",inline"`
	// container is ignored. Clients for the logs of pods send it.
	// +optional
	Container string `json:"container,omitempty"`
	// follow keeps the answer open and sends what the container writes, until the container stops.
	// +optional
	Follow bool `json:"follow,omitempty"`
	// previous must be false. Docker keeps the output of all runs of a container in one log.
	// +optional
	Previous bool `json:"previous,omitempty"`
	// sinceSeconds leaves out what was written longer ago than this number of seconds. It cannot be combined with
	// sinceTime.
	// +optional
	SinceSeconds *int64 `json:"sinceSeconds,omitempty"`
	// sinceTime leaves out what was written before this time. It is an RFC 3339 time, with up to nine digits after the
	// second. It cannot be combined with sinceSeconds.
	// +optional
	SinceTime string `json:"sinceTime,omitempty"`
	// untilTime leaves out what was written after this time. It is an RFC 3339 time, with up to nine digits after the
	// second.
	// +optional
	UntilTime string `json:"untilTime,omitempty"`
	// timestamps begins each line with the RFC 3339 time at which Docker received it.
	// +optional
	Timestamps bool `json:"timestamps,omitempty"`
	// tailLines is how many of the last lines of both outputs are sent first. With 0 only what the container writes
	// from now on is sent. It cannot be combined with one of the two outputs in stream.
	// +optional
	TailLines *int64 `json:"tailLines,omitempty"`
	// limitBytes ends the answer after exactly this number of bytes of both outputs.
	// +optional
	LimitBytes *int64 `json:"limitBytes,omitempty"`
	// insecureSkipTLSVerifyBackend is ignored. Clients for the logs of pods send it.
	// +optional
	InsecureSkipTLSVerifyBackend bool `json:"insecureSkipTLSVerifyBackend,omitempty"`
	// stream is which output is sent: All (the default), Stdout or Stderr.
	// +optional
	Stream string `json:"stream,omitempty"`
}

// +k8s:conversion-gen:explicit-from=net/url.Values
// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// ContainerExecOptions are the query parameters of a container's subresource exec.
type ContainerExecOptions struct {
	metav1.TypeMeta `json:",inline"`
	// stdin connects the standard input of the command.
	// +optional
	Stdin bool `json:"stdin,omitempty"`
	// stdout connects the standard output of the command.
	// +optional
	Stdout bool `json:"stdout,omitempty"`
	// stderr connects the standard error of the command. It cannot be combined with tty, because a terminal has only
	// one output.
	// +optional
	Stderr bool `json:"stderr,omitempty"`
	// tty gives the command a terminal.
	// +optional
	TTY bool `json:"tty,omitempty"`
	// container is ignored. Clients for pods send it.
	// +optional
	Container string `json:"container,omitempty"`
	// command is the program to run and its arguments, one parameter for each. No shell reads them.
	// +listType=atomic
	Command []string `json:"command"`
	// user is whom the command runs as: a name or an ID, optionally with a colon and a group. The default is the
	// container's user.
	// +optional
	User string `json:"user,omitempty"`
	// workingDir is the directory in the container that the command starts in. The default is the container's.
	// +optional
	WorkingDir string `json:"workingDir,omitempty"`
	// env are environment variables that are added to the container's, each as NAME=VALUE.
	// +optional
	// +listType=atomic
	Env []string `json:"env,omitempty"`
	// privileged gives the command all capabilities.
	// +optional
	Privileged bool `json:"privileged,omitempty"`
}

// +k8s:conversion-gen:explicit-from=net/url.Values
// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// ContainerAttachOptions are the query parameters of a container's subresource attach.
type ContainerAttachOptions struct {
	metav1.TypeMeta `json:",inline"`
	// stdin connects the standard input of the container. The container must have been made with an open standard
	// input.
	// +optional
	Stdin bool `json:"stdin,omitempty"`
	// stdout connects the standard output of the container.
	// +optional
	Stdout bool `json:"stdout,omitempty"`
	// stderr connects the standard error of the container. It cannot be combined with tty, because a terminal has only
	// one output.
	// +optional
	Stderr bool `json:"stderr,omitempty"`
	// tty says that the client is a terminal. The container must have been made with one.
	// +optional
	TTY bool `json:"tty,omitempty"`
	// container is ignored. Clients for pods send it.
	// +optional
	Container string `json:"container,omitempty"`
	// logs sends what the container has written before, too.
	// +optional
	Logs bool `json:"logs,omitempty"`
	// beforeStart attaches to a container that does not run, and waits for its next start. Once the connection is upgraded,
	// the session is attached. A client that starts the container after that misses no output. The size of a terminal is
	// taken after the start only.
	// +optional
	BeforeStart bool `json:"beforeStart,omitempty"`
}

// +k8s:conversion-gen:explicit-from=net/url.Values
// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// ContainerPortForwardOptions are the query parameters of a container's subresource portforward.
type ContainerPortForwardOptions struct {
	metav1.TypeMeta `json:",inline"`
	// ports are the ports of the container that are forwarded. Clients that forward over SPDY name the ports in each
	// stream instead.
	// +optional
	// +listType=atomic
	Ports []int32 `json:"ports,omitempty"`
	// explain sends the reason why a connection to a port cannot be made on the error stream of that connection. Without
	// explain the connection ends without a word, because most clients end all their connections when they read any text
	// there.
	// +optional
	Explain bool `json:"explain,omitempty"`
}

// PortForwardRefusal precedes the reason for which a connection to a port cannot be made, in the text on its error stream.
// Other connections go on after a text with these words. A text without them says why all connections end.
const PortForwardRefusal = "cannot connect to the port: "

// +k8s:conversion-gen:explicit-from=net/url.Values
// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// ContainerArchiveOptions are the query parameters of a container's subresource archive. Exactly one of stdin, stdout
// and stat must be true.
type ContainerArchiveOptions struct {
	metav1.TypeMeta `json:",inline"`
	// path is the file or directory in the container. With stdin it is the directory that the archive is unpacked in.
	Path string `json:"path"`
	// stdin unpacks the tar archive that the client sends.
	// +optional
	Stdin bool `json:"stdin,omitempty"`
	// stdout sends what is at path as a tar archive.
	// +optional
	Stdout bool `json:"stdout,omitempty"`
	// stat only answers what is at path: its name, size, mode, time and link target.
	// +optional
	Stat bool `json:"stat,omitempty"`
}

// +k8s:conversion-gen:explicit-from=net/url.Values
// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// ContainerTopOptions are the query parameters of a container's subresource top.
type ContainerTopOptions struct {
	metav1.TypeMeta `json:",inline"`
	// psArgs are the arguments for ps: -ef (the default), -eF, -el, -elf, aux or a part of these, or -o with a list of
	// columns such as "-o pid,user,args". The list must have pid. Arguments that could show the environment of processes
	// are refused.
	// +optional
	PSArgs string `json:"psArgs,omitempty"`
}

// Values of ImageRequestLogOptions.Format.
const (
	// LogFormatText is one line for each message that is not about progress.
	LogFormatText = "text"
	// LogFormatJSON is Docker's messages as they are, one JSON object on each line.
	LogFormatJSON = "json"
)

// +k8s:conversion-gen:explicit-from=net/url.Values
// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// ImageRequestLogOptions are the query parameters of the subresource log of an ImagePullRequest or ImagePushRequest. The
// log keeps of each layer only the newest message about progress. A log of a request that failed ends with the error.
type ImageRequestLogOptions struct {
	metav1.TypeMeta `json:",inline"`
	// container is ignored. Clients for the logs of pods send it.
	// +optional
	Container string `json:"container,omitempty"`
	// previous must be false. A request runs once.
	// +optional
	Previous bool `json:"previous,omitempty"`
	// timestamps must be false. Docker's messages have no times.
	// +optional
	Timestamps bool `json:"timestamps,omitempty"`
	// follow keeps the answer open and sends what Docker says, until the request ends.
	// +optional
	Follow bool `json:"follow,omitempty"`
	// format is text (the default), for one line for each message that is not about progress, or json, for Docker's
	// messages as they are, one JSON object on each line.
	// +optional
	Format string `json:"format,omitempty"`
}
