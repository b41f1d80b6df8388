// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package bench_test

// goals are the performance goals. A goal applies to every figure whose name starts with the goal's figure.
var goals = []goal{
	most("change to watcher", "median 1.5 ms after docker", 1.5, laterBy(50)),
	most("change to watcher", "p99 10 ms after docker", 10, laterBy(99)),
	most("events per container life", "4", 4, medianOf(standalone)),
	most("burst of creates", "50 ms", 50, medianOf(standalone)),
	most("burst of removals", "200 ms", 200, medianOf(standalone)),
	most("burst beside readers", "1 s", 1000, medianOf(standalone)),
	most("live get of a container", "1.5 x inspect", 1.5, ratio(standalone, docker)),
	most("live list", "0.5 x docker", 0.5, ratio(standalone, docker)),
	most("live list", "0.5 x stored", 0.5, ratio(standalone, stored)),
	least("list from memory", "3 x stored", 3, ratio(standalone, stored)),
	most("create and start of", "1.3 x docker", 1.3, ratio(standalone, docker)),
	most("delete of", "1.3 x docker", 1.3, ratio(standalone, docker)),
	most("change of state", "1.3 x docker", 1.3, ratio(standalone, docker)),
	most("start to synced", "1.2 x docker", 1.2, ratio(standalone, docker)),
	most("start to discovery", "1 s", 1000, medianOf(standalone)),
	most("memory with nothing", "60 MB", 60, medianOf(standalone)),
	most("memory for each container", "9 KB", 9, medianOf(standalone)),
	most("idle CPU", "0.5 %", 0.5, medianOf(standalone)),
	most("delivery to", "p99 100 ms", 100, func(f *figure) float64 { return f.p99(standalone) }),
	most("lost by", "none", 0, medianOf(standalone)),
	most("CPU per event of", "0.5 x stored", 0.5, ratio(standalone, stored)),
	most("time to", "1.5 x docker", 1.5, ratio(standalone, docker)),
	least("throughput of", "0.7 x docker", 0.7, ratio(standalone, docker)),
	most("pull of", "1.05 x docker", 1.05, ratio(standalone, docker)),
	most("CPU during a pull with", "5 % of a core", 5, medianOf(standalone)),
	most("first list of the metrics", "2 s", 2000, medianOf(standalone)),
	most("CPU while the metrics", "15 % of a core", 15, medianOf(standalone)),
	most("slowdown of a list of", "1.1 x that of docker", 1.1, ratio(standalone, docker)),
	most("slowdown of a list from memory of", "1.1 x", 1.1, medianOf(standalone)),
	most("growth of", "n log n", 1, medianOf(standalone)),
}
