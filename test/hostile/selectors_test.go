// Copyright The engine-apiserver Authors.
// SPDX-License-Identifier: Apache-2.0

package hostile

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// onCollection returns the requests with this query for several objects of a kind: lists, a watch, and the deletion of a
// collection.
func onCollection(kind, query string) []request {
	path := namespace + "/" + kind + "?" + query
	requests := []request{
		{method: http.MethodGet, path: path},
		{method: http.MethodGet, path: group + "/" + kind + "?" + query},
		{method: http.MethodGet, path: path + "&watch=true&timeoutSeconds=5"},
	}
	if !readOnly(kind) {
		requests = append(requests, request{method: http.MethodDelete, path: path})
	}
	return requests
}

func (f *fixture) refuseQuery(t *testing.T, query string, codes ...int) {
	t.Helper()
	for _, kind := range kinds {
		for _, r := range onCollection(kind, query) {
			f.refuse(t, r, codes...)
		}
	}
}

func TestSelectorsThatMakeNoSenseAreRefused(t *testing.T) {
	f := start(t)
	for _, selector := range []string{
		"status.pid=1", "metadata.uid=x", "metadata.labels=x", "spec=x", "status.nosuch=", "a=b", "=", "==", "=x", "a", "a=b=c", "metadata.name", "metadata.name>1",
		"metadata.name in (a)", ",", "../x=y", "metadata.name=x,status.nosuch=y", "metadata.name=x\\", "\x00=\x00", "metadata.name\x00=x",
		strings.Repeat("a", 10_000), strings.Repeat("a", 10_000) + "=b", strings.Repeat("a=b,", 2_500), strings.Repeat("(", 10_000),
	} {
		f.refuseQuery(t, "fieldSelector="+url.QueryEscape(selector), http.StatusBadRequest)
	}
	for _, selector := range []string{
		"=", "a=b=c", "a in", "a in (", "a in (b", "a in b", "a notin ()x", "!", "!!a", "a,,b", ",", "a b", "a=b;c", "../x=y", "a=../b", "a>x", "a<b", "-a=b", "a=b-", "ä=b", " ",
		strings.Repeat("a", 10_000), "a=" + strings.Repeat("a", 10_000), strings.Repeat("(", 10_000), "a in (" + strings.Repeat("b,", 5_000), strings.Repeat("/", 10_000),
	} {
		f.refuseQuery(t, "labelSelector="+url.QueryEscape(selector), http.StatusBadRequest)
	}
}

func TestQueriesThatCannotBeReadAreRefused(t *testing.T) {
	f := start(t)
	for _, query := range []string{"labelSelector=a%zz", "labelSelector=a;b", "fieldSelector=metadata.name=x%", "labelSelector=a=b&%", "dryRun=All;"} {
		f.refuseQuery(t, query, http.StatusBadRequest)
	}
}

func TestLongSelectorsThatMatchNothingFindNothing(t *testing.T) {
	f := start(t)
	for _, query := range []string{
		"fieldSelector=" + url.QueryEscape("metadata.name="+strings.Repeat("a", 10_000)),
		"fieldSelector=" + url.QueryEscape("metadata.name=../containers/"+f.container),
		"fieldSelector=" + url.QueryEscape("metadata.name="+f.id[:11]),
		"fieldSelector=" + url.QueryEscape("metadata.name=x?force=1"),
		"fieldSelector=" + url.QueryEscape("metadata.name=.."),
		"fieldSelector=" + url.QueryEscape("metadata.namespace=other"),
		"fieldSelector=" + url.QueryEscape("metadata.name="+f.container+",metadata.name="+f.volume),
		"labelSelector=" + url.QueryEscape(strings.Repeat("a=b,", 2_500)+"a=b"),
		"labelSelector=" + url.QueryEscape("a in ("+strings.Repeat("b,", 5_000)+"b)"),
		"labelSelector=" + url.QueryEscape("a=b,a!=b"),
	} {
		for _, kind := range kinds {
			for _, r := range onCollection(kind, query) {
				if strings.Contains(r.path, "watch=true") {
					continue
				}
				answer := f.send(t, r)
				f.checkAsked(t)
				if answer.StatusCode != http.StatusOK && answer.StatusCode != http.StatusBadRequest || strings.Contains(answer.body, `"uid"`) {
					t.Errorf("%s: %d %.300s", r, answer.StatusCode, answer.body)
				}
			}
		}
	}
}

func TestLimitsThatMakeNoSenseAreRefused(t *testing.T) {
	f := start(t)
	for _, limit := range []string{"x", "1.5", "1e3", "99999999999999999999", "-99999999999999999999", "0x10", "1,2", "-1", "-9223372036854775808"} {
		f.refuseQuery(t, "limit="+url.QueryEscape(limit), http.StatusBadRequest)
	}
	for _, limit := range []string{"9223372036854775807", "0"} {
		answer := f.send(t, request{method: http.MethodGet, path: namespace + "/containers?limit=" + limit})
		if answer.StatusCode != http.StatusOK || !strings.Contains(answer.body, f.id) {
			t.Errorf("limit %s: %d %s", limit, answer.StatusCode, answer.body)
		}
	}
}

func TestTimesThatMakeNoSenseAreRefused(t *testing.T) {
	f := start(t)
	for _, timeout := range []string{"x", "1.5", "-1", "-9223372036854775808", "9223372037", "9223372036854775807", "99999999999999999999"} {
		for _, kind := range kinds {
			for _, r := range onCollection(kind, "timeoutSeconds="+url.QueryEscape(timeout)) {
				status := f.refuse(t, r, http.StatusBadRequest)
				if strings.HasPrefix(timeout, "-") && !strings.Contains(status.Message, "timeoutSeconds "+timeout) {
					t.Errorf("%s: %q does not name the parameter", r, status.Message)
				}
			}
			if readOnly(kind) {
				continue
			}
			path := namespace + "/" + kind
			for _, path := range []string{path, path + "/absent"} {
				status := f.refuse(t, request{method: http.MethodDelete, path: path + "?gracePeriodSeconds=9223372036854775807"}, http.StatusBadRequest)
				if !strings.Contains(status.Message, "gracePeriodSeconds") {
					t.Errorf("DELETE %s: %q does not name the parameter", path, status.Message)
				}
			}
		}
	}
}

func continueToken(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

// refuseContinue is like refuseQuery, but leaves out watches, because they take no continue token.
func (f *fixture) refuseContinue(t *testing.T, token string, codes ...int) {
	t.Helper()
	for _, kind := range kinds {
		for _, r := range onCollection(kind, "limit=1&continue="+url.QueryEscape(token)) {
			if strings.Contains(r.path, "watch=true") {
				continue
			}
			f.refuse(t, r, codes...)
		}
	}
}

func TestContinueTokensThatMakeNoSenseAreRefused(t *testing.T) {
	f := start(t)
	version := f.version(t)
	token := func(version, start string) string {
		text, err := json.Marshal(start)
		if err != nil {
			t.Fatal(err)
		}
		return continueToken(fmt.Sprintf(`{"v":"meta.k8s.io/v1","rv":%s,"start":%s}`, version, text))
	}
	for _, bad := range []string{
		"x", "%", "..", "../../containers", "\x00", strings.Repeat("A", 10_000), continueToken("null"), continueToken("[]"), continueToken("{}"), continueToken("{"),
		continueToken(`{"v":"meta.k8s.io/v2","rv":1,"start":"a"}`), continueToken(`{"v":"meta.k8s.io/v1","rv":"x","start":"a"}`), continueToken(`{"v":"meta.k8s.io/v1","rv":1}`),
		token("0", "a\u0000"), token(version, ""), token(version, "../images/"), token(version, "a/../../x"), token(version, "../../../../etc/passwd"), token(version, "./a"), token(version, "a//b"),
		token("99999999999999999999", "a"), token("1.5", "a"), token("-99999999999999999999", "a"),
	} {
		f.refuseContinue(t, bad, http.StatusBadRequest)
	}
	for _, query := range []string{"&resourceVersion=" + version, "&resourceVersionMatch=Exact&resourceVersion=" + version} {
		f.refuse(t, request{method: http.MethodGet, path: namespace + "/containers?limit=1&continue=" + token(version, "a") + query}, http.StatusBadRequest, http.StatusUnprocessableEntity)
	}
	for _, gone := range []string{"1", "1000000", "9223372036854775807"} {
		f.refuseContinue(t, token(gone, "a\u0000"), http.StatusGone)
	}
}

func TestAContinueTokenLeadsToNoOtherKind(t *testing.T) {
	f := start(t)
	token := continueToken(`{"v":"meta.k8s.io/v1","rv":-1,"start":"!"}`) // the page begins before all names
	for _, kind := range kinds {
		answer := f.send(t, request{method: http.MethodGet, path: namespace + "/" + kind + "?limit=500&continue=" + token})
		f.checkAsked(t)
		if answer.StatusCode != http.StatusOK {
			t.Errorf("%s: %d %s", kind, answer.StatusCode, answer.body)
		}
		isOfContainers := kind == "containers" || kind == "containermetrics"
		if strings.Contains(answer.body, f.container) != isOfContainers || strings.Contains(answer.body, f.volume) != (kind == "volumes") {
			t.Errorf("%s: %s", kind, answer.body)
		}
	}
}

// version returns the server's current resource version.
func (f *fixture) version(t *testing.T) string {
	t.Helper()
	answer := f.send(t, request{method: http.MethodGet, path: namespace + "/containers"})
	var list metav1.PartialObjectMetadataList
	answer.into(t, &list)
	return list.ResourceVersion
}

func TestVersionsThatMakeNoSenseAreRefused(t *testing.T) {
	f := start(t)
	for _, version := range []string{"x", "-1", "1.5", "99999999999999999999", "0x1", "../1", "1 OR 1"} {
		escaped := url.QueryEscape(version)
		for _, kind := range kinds {
			f.refuse(t, request{method: http.MethodGet, path: namespace + "/" + kind + "?resourceVersion=" + escaped}, http.StatusBadRequest)
			f.refuse(t, request{method: http.MethodGet, path: namespace + "/" + kind + "?watch=true&timeoutSeconds=5&resourceVersion=" + escaped}, http.StatusBadRequest)
			f.refuse(t, request{method: http.MethodGet, path: namespace + "/" + kind + "/x?resourceVersion=" + escaped}, http.StatusBadRequest)
		}
		f.refuse(t, request{method: http.MethodDelete, path: namespace + "/volumes?resourceVersion=" + escaped}, http.StatusBadRequest)
	}
	for _, query := range []string{
		"resourceVersionMatch=Exact", "resourceVersionMatch=NotOlderThan", "resourceVersionMatch=Perhaps&resourceVersion=1", "resourceVersionMatch=Exact&resourceVersion=0",
	} {
		for _, kind := range kinds {
			for _, r := range onCollection(kind, query) {
				f.refuse(t, r, http.StatusBadRequest, http.StatusUnprocessableEntity)
			}
		}
	}
}

func TestVersionsOfTheFutureAreRefused(t *testing.T) {
	f := start(t)
	for _, version := range []string{"9223372036854775807", "9223372036854775806"} {
		for _, kind := range kinds {
			for _, query := range []string{"", "&resourceVersionMatch=NotOlderThan", "&resourceVersionMatch=Exact"} {
				r := request{method: http.MethodGet, path: namespace + "/" + kind + "?resourceVersion=" + version + query}
				status := f.refuse(t, r, http.StatusGatewayTimeout)
				if !strings.Contains(status.Message, "Too large resource version") {
					t.Errorf("%s: %s", r, status.Message)
				}
			}
			answer := f.send(t, request{method: http.MethodGet, path: namespace + "/" + kind + "?watch=true&timeoutSeconds=5&resourceVersion=" + version})
			if answer.StatusCode != http.StatusGone && !strings.Contains(answer.body, `"reason":"Expired"`) {
				t.Errorf("watch of %s: %d %s", kind, answer.StatusCode, answer.body)
			}
		}
	}
}

func TestVersionsOfThePastAreRefused(t *testing.T) {
	f := start(t)
	for _, kind := range kinds {
		f.refuse(t, request{method: http.MethodGet, path: namespace + "/" + kind + "?resourceVersionMatch=Exact&resourceVersion=1"}, http.StatusGone)
		answer := f.send(t, request{method: http.MethodGet, path: namespace + "/" + kind + "?watch=true&timeoutSeconds=5&resourceVersion=1"})
		if answer.StatusCode != http.StatusGone && !strings.Contains(answer.body, `"reason":"Expired"`) {
			t.Errorf("watch of %s: %d %s", kind, answer.StatusCode, answer.body)
		}
	}
}

func TestWatchOptionsThatMakeNoSenseAreRefused(t *testing.T) {
	f := start(t)
	for _, kind := range kinds {
		for _, query := range []string{
			"timeoutSeconds=x", "timeoutSeconds=1.5", "timeoutSeconds=99999999999999999999", "sendInitialEvents=true&watch=true",
			"sendInitialEvents=true&watch=true&resourceVersionMatch=Exact&resourceVersion=1", "sendInitialEvents=true&watch=false&resourceVersionMatch=NotOlderThan",
			"sendInitialEvents=false&watch=true", "watch=true&resourceVersionMatch=NotOlderThan&resourceVersion=1",
		} {
			if strings.HasPrefix(query, "timeoutSeconds") {
				query += "&watch=true"
			}
			f.refuse(t, request{method: http.MethodGet, path: namespace + "/" + kind + "?" + query}, http.StatusBadRequest, http.StatusUnprocessableEntity)
		}
	}
}
