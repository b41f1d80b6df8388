# Copyright The engine-apiserver Authors.
# SPDX-License-Identifier: Apache-2.0

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := build

VERSION ?= $(shell hack/version.sh)
ARGS ?=
BINARY ?= bin/engine-apiserver
PLUGIN ?= bin/kubectl-engine
PACKAGES ?= ./...
TESTFLAGS ?=
BENCHFLAGS ?=
FUZZTIME ?= 30s
FUZZ ?= .
BASE_URL ?= https://github.com/rancher-sandbox/engine-apiserver/releases/download

# grpcnotrace leaves out gRPC's request tracing, which is not used here. Tracing imports a template package that calls methods by
# name. With it the linker would keep every method of every type, and the program would be half as large again.
export GOFLAGS += -tags=grpcnotrace

BUILD = CGO_ENABLED=0 go build -trimpath -ldflags "-s -w $$(hack/version.sh flags '$(VERSION)')"

.PHONY: build
build: server plugin ## Build the server and the kubectl plugin in bin

.PHONY: server
server: ## Build the server as BINARY=bin/engine-apiserver
	$(BUILD) -o $(BINARY) ./cmd/engine-apiserver

.PHONY: plugin
plugin: ## Build the kubectl plugin as PLUGIN=bin/kubectl-engine, with its completion beside it
	$(BUILD) -o $(PLUGIN) ./cmd/kubectl-engine
	install artifacts/completion/kubectl_complete-engine $(dir $(PLUGIN))

.PHONY: dist
dist: ## Build a release in dist/VERSION, VERSION=v0.2.0; BASE_URL= says where its archives will be downloaded from
	go -C hack/dist build -buildvcs=false -o $(CURDIR)/.cache/dist .
	.cache/dist -repository . -version '$(VERSION)' -base-url '$(BASE_URL)' -output dist

.PHONY: run
run: build ## Serve this machine's Docker Engine, or a private one; ARGS="--flag ..." adds flags
	@hack/run.sh $(ARGS)

.PHONY: test
test: prerequisites kubernetes ## Run every test, and check the coverage
	hack/test.sh $(TESTFLAGS) $(PACKAGES)

.PHONY: e2e
e2e: prerequisites kubernetes ## Run only the end-to-end tests: standalone, aggregated and embedded
	hack/test.sh $(TESTFLAGS) ./test/e2e/...

.PHONY: kubernetes
kubernetes: ## Build the control plane for tests in bin/kubernetes
	hack/build-kubernetes.sh bin/kubernetes

.PHONY: lint
lint: prerequisites ## Check format, headers, generated code, and the build for every platform
	hack/lint.sh

.PHONY: k9s
k9s: prerequisites kubernetes build ## Build k9s, and drive it in a terminal as its users do; takes minutes the first time
	hack/build-k9s.sh bin
	PATH=$(CURDIR)/bin:$(CURDIR)/bin/kubernetes:$$PATH go test -tags=grpcnotrace,k9s -count 1 -v ./test/k9s -k9s $(CURDIR)/bin/k9s

DURATION ?= 60s
SEED ?=

.PHONY: robustness
robustness: prerequisites ## Inject faults into engine and server for DURATION=60s, and check what clients saw; SEED= repeats a run
	go test -race -count 1 -v -timeout 0 ./test/robustness -duration $(DURATION) $(if $(SEED),-seed $(SEED))

.PHONY: bench
bench: prerequisites kubernetes ## Measure the server and compare it with Docker and with stored objects; BENCHFLAGS="-short" or "-only get,list" measures less
	mkdir -p .cache
	KUBERNETES_BIN=$(CURDIR)/bin/kubernetes go test -run '^$$' -bench . -benchtime 1x -timeout 40m ./test/bench -output $(CURDIR)/.cache/bench.json $(BENCHFLAGS)

.PHONY: profile
profile: prerequisites kubernetes ## Run the benchmarks, write profiles of the server to .cache/profiles and show the top of each
	rm -rf .cache/profiles
	mkdir -p .cache/profiles
	KUBERNETES_BIN=$(CURDIR)/bin/kubernetes go test -run '^$$' -bench . -benchtime 1x -timeout 40m ./test/bench -profiles $(CURDIR)/.cache/profiles $(BENCHFLAGS)
	for profile in .cache/profiles/*.pprof; do echo "== $$profile"; go tool pprof -top -nodecount 15 "$$profile" 2>/dev/null; done

.PHONY: fuzz
fuzz: prerequisites ## Fuzz each target for FUZZTIME=30s; FUZZ=pattern selects targets
	hack/fuzz.sh '$(FUZZTIME)' '$(FUZZ)'

.PHONY: vuln
vuln: ## Check for known vulnerabilities; needs https://vuln.go.dev or GOVULNDB
	hack/vuln.sh ./...

.PHONY: generate
generate: ## Generate code from the API types
	hack/update-codegen.sh

.PHONY: clean
clean: ## Remove build results; keeps the data of `make run`
	rm -rf bin .cache dist

.PHONY: help
help: ## Show the targets
	@sed -n 's/^\([a-z0-9]*\):.*## /\1\t/p' $(MAKEFILE_LIST)

.PHONY: prerequisites
prerequisites:
	@hack/install-prerequisites.sh
