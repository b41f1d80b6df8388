// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package standalone

import (
	"net/http"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apiserver/pkg/endpoints/handlers/responsewriters"
)

// NamespacesPath is where ServeNamespace serves.
const NamespacesPath = "/api/v1/namespaces/"

// ServeNamespace says of every namespace that it exists. When kubectl does not find an object it asks for the object's
// namespace, and would report that as missing instead.
func ServeNamespace(w http.ResponseWriter, request *http.Request) {
	name := strings.TrimPrefix(request.URL.Path, NamespacesPath)
	switch {
	case name == "" || strings.Contains(name, "/"):
		http.NotFound(w, request)
	case request.Method != http.MethodGet:
		http.Error(w, "only GET is allowed", http.StatusMethodNotAllowed)
	default:
		responsewriters.WriteRawJSON(http.StatusOK, corev1.Namespace{
			TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Namespace"},
			ObjectMeta: metav1.ObjectMeta{Name: name},
			Status:     corev1.NamespaceStatus{Phase: corev1.NamespaceActive},
		}, w)
	}
}
