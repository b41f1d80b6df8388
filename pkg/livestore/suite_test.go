// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package livestore

import (
	"context"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/apiserver/pkg/apis/example"
	examplev1 "k8s.io/apiserver/pkg/apis/example/v1"
	"k8s.io/apiserver/pkg/storage"
	storagetesting "k8s.io/apiserver/pkg/storage/testing"
	"k8s.io/apiserver/pkg/storage/value/encrypt/identity"
)

const (
	needsTransformer = "injects faults through etcd's value transformers; nothing is encoded here"
	needsTTL         = "the source decides when an object ends; objects have no time to live"
	isBenchmark      = "a benchmark, not a test; bench_test.go has the benchmarks of this store"
)

// suite has a row for every exported Run function of k8s.io/apiserver/pkg/storage/testing. The row has the test that
// runs it, or the reason why it is left out.
var suite = map[string]struct {
	run     func(t *testing.T)
	leftOut string
}{
	"RunTestCreate": {run: func(t *testing.T) {
		store, _ := newMemoryStore(t)
		storagetesting.RunTestCreate(t.Context(), t, store, validateKey(store))
	}},
	"RunTestCreateWithTTL":                              {leftOut: needsTTL},
	"RunTestCreateWithKeyExist":                         {run: plain(storagetesting.RunTestCreateWithKeyExist)},
	"RunTestGet":                                        {run: plain(storagetesting.RunTestGet)},
	"RunTestUnconditionalDelete":                        {run: plain(storagetesting.RunTestUnconditionalDelete)},
	"RunTestConditionalDelete":                          {run: plain(storagetesting.RunTestConditionalDelete)},
	"RunTestDeleteWithSuggestion":                       {run: plain(storagetesting.RunTestDeleteWithSuggestion)},
	"RunTestDeleteWithSuggestionAndConflict":            {run: plain(storagetesting.RunTestDeleteWithSuggestionAndConflict)},
	"RunTestDeleteWithConflict":                         {run: plain(storagetesting.RunTestDeleteWithConflict)},
	"RunTestDeleteWithSuggestionOfDeletedObject":        {run: plain(storagetesting.RunTestDeleteWithSuggestionOfDeletedObject)},
	"RunTestValidateDeletionWithSuggestion":             {run: plain(storagetesting.RunTestValidateDeletionWithSuggestion)},
	"RunTestValidateDeletionWithOnlySuggestionValid":    {run: plain(storagetesting.RunTestValidateDeletionWithOnlySuggestionValid)},
	"RunTestPreconditionalDeleteWithSuggestion":         {run: plain(storagetesting.RunTestPreconditionalDeleteWithSuggestion)},
	"RunTestPreconditionalDeleteWithOnlySuggestionPass": {run: plain(storagetesting.RunTestPreconditionalDeleteWithOnlySuggestionPass)},
	"RunTestList": {run: func(t *testing.T) {
		store, _ := newMemoryStore(t)
		storagetesting.RunTestList(t.Context(), t, store, compaction(store), false, nil)
	}},
	"RunTestDeleteWithConflictAndMissingExpectedTransformOrDecodeError": {leftOut: needsTransformer},
	"RunTestDeleteExpectedTransformOrDecodeError":                       {leftOut: needsTransformer},
	"RunTestDeleteWithSuggestionAndMissingExpectedTransformOrDecodeError": {run: func(t *testing.T) {
		store, _ := newMemoryStore(t)
		storagetesting.RunTestDeleteWithSuggestionAndMissingExpectedTransformOrDecodeError(t.Context(), t, store)
	}},
	"RunTestConsistentList": {run: func(t *testing.T) {
		store, _ := newMemoryStore(t)
		storagetesting.RunTestConsistentList(t.Context(), t, store, increase(store), false, true, true)
	}},
	"RunTestGetListNonRecursive": {run: func(t *testing.T) {
		store, _ := newMemoryStore(t)
		storagetesting.RunTestGetListNonRecursive(t.Context(), t, increase(store), store)
	}},
	"RunTestGetListRecursivePrefix":         {run: plain(storagetesting.RunTestGetListRecursivePrefix)},
	"RunTestGetListWithErrorAggregation":    {leftOut: needsTransformer},
	"RunTestGetListWithoutErrorAggregation": {leftOut: needsTransformer},
	"RunTestListContinuation":               {run: paged(storagetesting.RunTestListContinuation)},
	"RunTestListPaginationRareObject":       {run: paged(storagetesting.RunTestListPaginationRareObject)},
	"RunTestListContinuationWithFilter":     {run: paged(storagetesting.RunTestListContinuationWithFilter)},
	"RunTestListInconsistentContinuation": {run: func(t *testing.T) {
		store, _ := newMemoryStore(t)
		storagetesting.RunTestListInconsistentContinuation(t.Context(), t, store, compaction(store))
	}},
	"RunTestListResourceVersionMatch":                  {leftOut: needsTransformer},
	"RunTestGuaranteedUpdate":                          {leftOut: needsTransformer},
	"RunTestGuaranteedUpdateWithTTL":                   {leftOut: needsTTL},
	"RunTestGuaranteedUpdateChecksStoredData":          {leftOut: needsTransformer},
	"RunTestGuaranteedUpdateWithConflict":              {run: plain(storagetesting.RunTestGuaranteedUpdateWithConflict)},
	"RunTestGuaranteedUpdateWithSuggestionAndConflict": {run: plain(storagetesting.RunTestGuaranteedUpdateWithSuggestionAndConflict)},
	"RunTestTransformationFailure":                     {leftOut: needsTransformer},
	"RunTestStats": {run: func(t *testing.T) {
		store, _ := newMemoryStore(t)
		storagetesting.RunTestStats(t.Context(), t, store, codecs.LegacyCodec(examplev1.SchemeGroupVersion), identity.NewEncryptCheckTransformer(), false)
	}},
	"RunTestListPaging":          {run: plain(storagetesting.RunTestListPaging)},
	"RunTestNamespaceScopedList": {run: plain(storagetesting.RunTestNamespaceScopedList)},
	"RunTestCompactRevision": {run: func(t *testing.T) {
		store, _ := newMemoryStore(t)
		compact := func(_ context.Context, t *testing.T, version string) { store.Compact(parse(t, store, version)) }
		storagetesting.RunTestCompactRevision(t.Context(), t, store, increase(store), compact)
	}},
	"RunTestKeySchema": {run: plain(storagetesting.RunTestKeySchema)},

	"RunTestWatch": {run: plain(storagetesting.RunTestWatch)},
	"RunTestWatchFromZero": {run: func(t *testing.T) {
		store, _ := newMemoryStore(t)
		storagetesting.RunTestWatchFromZero(t.Context(), t, store, compaction(store))
	}},
	"RunTestDeleteTriggerWatch":                 {run: plain(storagetesting.RunTestDeleteTriggerWatch)},
	"RunTestWatchFromNonZero":                   {run: plain(storagetesting.RunTestWatchFromNonZero)},
	"RunTestDelayedWatchDelivery":               {run: plain(storagetesting.RunTestDelayedWatchDelivery)},
	"RunTestWatchError":                         {leftOut: needsTransformer},
	"RunTestWatchWithUnsafeDelete":              {leftOut: needsTransformer},
	"RunTestWatchContextCancel":                 {run: plain(storagetesting.RunTestWatchContextCancel)},
	"RunTestWatcherTimeout":                     {run: plain(storagetesting.RunTestWatcherTimeout)},
	"RunTestWatchDeleteEventObjectHaveLatestRV": {run: plain(storagetesting.RunTestWatchDeleteEventObjectHaveLatestRV)},
	"RunTestWatchInitializationSignal":          {run: plain(storagetesting.RunTestWatchInitializationSignal)},
	"RunOptionalTestProgressNotify": {run: func(t *testing.T) {
		store, _ := newMemoryStore(t, func(c *Config) { c.BookmarkInterval = 100 * time.Millisecond })
		storagetesting.RunOptionalTestProgressNotify(t.Context(), t, store, increase(store))
	}},
	"RunTestClusterScopedWatch":   {run: plain(storagetesting.RunTestClusterScopedWatch)},
	"RunTestNamespaceScopedWatch": {run: plain(storagetesting.RunTestNamespaceScopedWatch)},
	"RunTestWatchDispatchBookmarkEvents": {run: func(t *testing.T) {
		store, _ := newMemoryStore(t)
		storagetesting.RunTestWatchDispatchBookmarkEvents(t.Context(), t, store, true)
	}},
	"RunTestOptionalWatchBookmarksWithCorrectResourceVersion": {run: func(t *testing.T) {
		// Its 100 pauses must fit in three seconds.
		synctest.Test(t, plain(storagetesting.RunTestOptionalWatchBookmarksWithCorrectResourceVersion))
	}},
	"RunSendInitialEventsBackwardCompatibility": {run: plain(storagetesting.RunSendInitialEventsBackwardCompatibility)},
	"RunWatchSemantics":                         {run: plain(storagetesting.RunWatchSemantics)},
	"RunWatchSemanticInitialEventsExtended":     {run: plain(storagetesting.RunWatchSemanticInitialEventsExtended)},
	"RunWatchListMatchSingle":                   {run: plain(storagetesting.RunWatchListMatchSingle)},
	"RunWatchErrorIsBlockingFurtherEvents":      {leftOut: needsTransformer},

	"RunBenchmarkWriteThroughput": {leftOut: isBenchmark},
	"RunBenchmarkStoreList":       {leftOut: isBenchmark},
	"RunBenchmarkStoreStats":      {leftOut: isBenchmark},
}

func TestStoragePassesTheSuiteOfKubernetes(t *testing.T) {
	for name, row := range suite {
		if row.run != nil {
			t.Run(name, row.run)
		}
	}
}

func TestNoFunctionOfTheSuiteIsForgotten(t *testing.T) {
	dir, err := exec.Command("go", "list", "-f", "{{.Dir}}", "k8s.io/apiserver/pkg/storage/testing").Output()
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(strings.TrimSpace(string(dir)), "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no source of the suite in %s: %v", dir, err)
	}
	found := 0
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, declaration := range parsed.Decls {
			function, ok := declaration.(*ast.FuncDecl)
			if !ok || function.Recv != nil || !strings.HasPrefix(function.Name.Name, "Run") {
				continue
			}
			found++
			row, listed := suite[function.Name.Name]
			if !listed {
				t.Errorf("%s is not listed", function.Name.Name)
			}
			if (row.run == nil) == (row.leftOut == "") {
				t.Errorf("%s needs either a test or a reason", function.Name.Name)
			}
		}
	}
	if found != len(suite) {
		t.Errorf("%d functions are listed, %d exist", len(suite), found)
	}
}

func plain(run func(context.Context, *testing.T, storage.Interface)) func(*testing.T) {
	return func(t *testing.T) {
		store, _ := newMemoryStore(t)
		run(t.Context(), t, store)
	}
}

func paged(run func(context.Context, *testing.T, storage.Interface, storagetesting.CallsValidation)) func(*testing.T) {
	return plain(func(ctx context.Context, t *testing.T, store storage.Interface) {
		run(ctx, t, store, func(*testing.T, uint64, uint64) {}) // pages come from memory, so there are no calls to count
	})
}

// validateKey checks that the object can be found under its key.
func validateKey(store *Store) storagetesting.KeyValidation {
	return func(ctx context.Context, t *testing.T, key string) {
		if err := store.Get(ctx, key, storage.GetOptions{}, &example.Pod{}); err != nil {
			t.Errorf("nothing under %s: %v", key, err)
		}
	}
}

// compaction compacts up to a version, as etcd does.
func compaction(store *Store) storagetesting.Compaction {
	return func(_ context.Context, t *testing.T, version string) {
		store.Compact(parse(t, store, version))
		store.Versions.Next()
	}
}

func increase(store *Store) storagetesting.IncreaseRVFunc {
	return func(context.Context, *testing.T) int64 { return int64(store.Versions.Next()) }
}

func parse(t *testing.T, store *Store, version string) uint64 {
	parsed, err := store.Versioner().ParseResourceVersion(version)
	if err != nil {
		t.Fatal(fmt.Errorf("parsing version %q: %w", version, err))
	}
	return parsed
}
