#!/usr/bin/env bash
# Copyright The engine-apiserver Authors.
# SPDX-License-Identifier: Apache-2.0

# Generates deep copies, conversions, OpenAPI definitions, apply configurations and clients from the API types. The generators are tools in
# go.mod, so this script installs nothing and needs no network once the modules are downloaded.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

module=$(go list -m)
api=$module/pkg/apis/containers/v1alpha1
out=pkg/generated

generate() {
	local tool=$1
	shift
	echo "$tool"
	go tool "$tool" --go-header-file hack/boilerplate.go.txt "$@"
}

rm -rf "$out" pkg/apis/containers/v1alpha1/zz_generated.*

generate deepcopy-gen --output-file zz_generated.deepcopy.go "$api"
generate conversion-gen --output-file zz_generated.conversion.go "$api"

echo swagger-docs
types=pkg/apis/containers/v1alpha1
go run ./hack/swagger-docs hack/boilerplate.go.txt "$types/options_types.go" >"$out.swagger-docs"
mv "$out.swagger-docs" "$types/zz_generated.swagger_doc.go"

violations=$(mktemp)
schema=$(mktemp)
trap 'rm -f "$violations" "$schema"' EXIT
readonly_pkgs=()
for pkg in k8s.io/apimachinery/pkg/{apis/meta/v1,api/resource,runtime,version} time; do
	readonly_pkgs+=(--readonly-pkg "$pkg")
done
generate openapi-gen --output-file zz_generated.openapi.go --output-model-name-file zz_generated.model_name.go \
	--output-dir "$out/openapi" --output-pkg "$module/$out/openapi" \
	--report-filename "$violations" "${readonly_pkgs[@]}" \
	k8s.io/apimachinery/pkg/{apis/meta/v1,api/resource,runtime,version} "$api"
if grep "$module" "$violations"; then
	echo "update-codegen.sh: the API types violate the API rules above" >&2
	exit 1
fi

go run ./hack/openapi-schema >"$schema"
generate applyconfiguration-gen --openapi-schema "$schema" \
	--output-dir "$out/applyconfiguration" --output-pkg "$module/$out/applyconfiguration" "$api"
generate client-gen --clientset-name versioned --input-base "$module/pkg/apis" --input containers/v1alpha1 \
	--apply-configuration-package "$module/$out/applyconfiguration" \
	--output-dir "$out/clientset" --output-pkg "$module/$out/clientset"
generate lister-gen --output-dir "$out/listers" --output-pkg "$module/$out/listers" "$api"

# The lister for Containers in one namespace and the lister for ContainerNamespaces would have the same name. Rename the first.
listers=$out/listers/containers/v1alpha1
perl -pi -e 's/([cC])ontainerNamespaceLister/$1ontainerInNamespaceLister/g' "$listers/container.go"
perl -0pi -e 's/ContainerNamespaceLister(.*?)ContainerNamespaceLister(.*?)ContainerNamespaceLister/ContainerInNamespaceLister$1ContainerInNamespaceLister$2ContainerInNamespaceLister/s' \
	"$listers/expansion_generated.go"

generate informer-gen --versioned-clientset-package "$module/$out/clientset/versioned" \
	--listers-package "$module/$out/listers" \
	--output-dir "$out/informers" --output-pkg "$module/$out/informers" "$api"
