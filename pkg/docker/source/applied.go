// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package source

import (
	"sync"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// Applied remembers what kubectl last applied to the objects of a kind. Docker cannot store it.
type Applied struct {
	mu        sync.Mutex
	bySubject map[string]configuration
	expected  map[string]string // by name
}

type configuration struct {
	text string
	uid  types.UID // of the object that was last shown with it
}

// AppliedTo returns what kubectl last applied, as an object carries it.
func AppliedTo(object metav1.Object) string {
	return object.GetAnnotations()[corev1.LastAppliedConfigAnnotation]
}

// Expect remembers the configuration of an object that is about to be made under this name. The object carries it from the
// first time it is shown, even if that is before the caller knows its subject. The caller must call done once it has called
// Set, or once it knows that the object was not made.
func (a *Applied) Expect(name, text string) (done func()) {
	if text == "" {
		return func() {}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.expected == nil {
		a.expected = map[string]string{}
	}
	a.expected[name] = text
	return func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		delete(a.expected, name)
	}
}

// Set remembers the configuration of a subject. An empty text forgets it.
func (a *Applied) Set(subject, text string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.setLocked(subject, configuration{text: text, uid: a.bySubject[subject].uid})
}

func (a *Applied) setLocked(subject string, c configuration) {
	if c.text == "" {
		delete(a.bySubject, subject)
		return
	}
	if a.bySubject == nil {
		a.bySubject = map[string]configuration{}
	}
	a.bySubject[subject] = c
}

// Show writes the configuration into the object of a subject. name is the name that Expect was given. A configuration goes
// with the object that it was first shown with.
func (a *Applied) Show(subject, name string, object metav1.Object) {
	a.mu.Lock()
	defer a.mu.Unlock()
	c, known := a.bySubject[subject]
	switch text, isExpected := a.expected[name]; {
	case isExpected:
		c = configuration{text: text}
	case !known:
		return
	case c.uid != "" && c.uid != object.GetUID():
		delete(a.bySubject, subject)
		return
	}
	c.uid = object.GetUID()
	a.setLocked(subject, c)
	object.SetAnnotations(map[string]string{corev1.LastAppliedConfigAnnotation: c.text})
}

// Forget forgets the configuration of a subject that is gone.
func (a *Applied) Forget(subject string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.bySubject, subject)
}
