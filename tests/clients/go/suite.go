// The checks of the Go client, for its lines 7, 8 and 9. It is built with the module of one line: the import path below
// is that of line 8, and is changed to the line's own before it is compiled. What line 7 lacks, the typed API, is in
// typed.go and untyped.go.
//
// Reads where to talk to from the variable SUITE, prints one JSON object.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	elasticsearch "github.com/elastic/go-elasticsearch/v8"
	"github.com/elastic/go-elasticsearch/v8/esapi"
	"github.com/elastic/go-elasticsearch/v8/esutil"
)

const (
	job   = "sg-job"
	out   = "sg-out"
	books = "sg-books"
)

// This client puts an id into the path as it is given.
var odd = url.PathEscape("a/b c+d%é?#")

type object = map[string]any
type list = []any

// A check: its name and what it hears.
type check struct {
	name string
	run  func() any
}

var places map[string]string

// What the suite cannot go on after ends it: nothing is compared then.
func must(fault error) {
	if fault != nil {
		panic(fault)
	}
}

func config(place, who, secret string) elasticsearch.Config {
	made := elasticsearch.Config{Addresses: []string{places[place]}}
	if who == "key" {
		made.APIKey = secret
	} else if who != "" {
		if secret == "" {
			secret = places[who]
		}
		made.Username, made.Password = who, secret
	}
	return made
}

func connect(place, who, secret string) *elasticsearch.Client {
	made, fault := elasticsearch.NewClient(config(place, who, secret))
	must(fault)
	return made
}

// The body of an answer. It is to be read whole, for the connection to be used again.
func read(answer *esapi.Response, fault error) any {
	must(fault)
	defer answer.Body.Close()
	text, fault := io.ReadAll(answer.Body)
	must(fault)
	var found any
	if len(text) == 0 {
		return nil
	}
	must(json.Unmarshal(text, &found))
	return found
}

// What a call gives, or what its answer says of a failure. The client has no errors of its own here.
func told(answer *esapi.Response, fault error) any {
	found := read(answer, fault)
	if !answer.IsError() {
		return found
	}
	body, _ := found.(object)
	failure := object{"raised": "Response", "status": answer.StatusCode, "type": nil, "reason": nil}
	switch told := body["error"].(type) {
	case string:
		failure["reason"] = told
	case object:
		failure["type"], failure["reason"] = told["type"], told["reason"]
	}
	return failure
}

func from(found any, keys ...string) any {
	for _, key := range keys {
		inner, is := found.(object)
		if !is {
			return found
		}
		found = inner[key]
	}
	return found
}

func text(value any) io.Reader {
	made, fault := json.Marshal(value)
	must(fault)
	return bytes.NewReader(made)
}

func lines(values ...any) io.Reader {
	var made bytes.Buffer
	for _, value := range values {
		must(json.NewEncoder(&made).Encode(value))
	}
	return &made
}

func hits(page any) list {
	found, _ := from(page, "hits", "hits").(list)
	return found
}

func statuses(found any) list {
	seen := list{}
	for _, item := range from(found, "items").(list) {
		for _, one := range item.(object) {
			seen = append(seen, from(one, "status"))
		}
	}
	return seen
}

// The bulk helper over documents; how many were done, and the statuses of those that failed.
func helper(es *elasticsearch.Client, documents map[string]any) (uint64, list) {
	failed, guard := list{}, sync.Mutex{}
	indexer, fault := esutil.NewBulkIndexer(esutil.BulkIndexerConfig{Client: es, Index: books, FlushBytes: 4000, Refresh: "true"})
	must(fault)
	for id, document := range documents {
		must(indexer.Add(context.Background(), esutil.BulkIndexerItem{
			Action: "index", DocumentID: id, Body: text(document).(*bytes.Reader),
			OnFailure: func(_ context.Context, _ esutil.BulkIndexerItem, answer esutil.BulkIndexerResponseItem, fault error) {
				must(fault)
				guard.Lock()
				failed = append(failed, answer.Status)
				guard.Unlock()
			},
		}))
	}
	must(indexer.Close(context.Background()))
	return indexer.Stats().NumIndexed, failed
}

func onNode(es *elasticsearch.Client) []check {
	return []check{
		{"info", func() any { return from(told(es.Info()), "version", "number") }},
		{"ping", func() any {
			answer, fault := es.Ping()
			read(answer, fault)
			return !answer.IsError()
		}},
		{"index_create", func() any {
			read(es.Indices.Delete([]string{books}, es.Indices.Delete.WithIgnoreUnavailable(true)))
			body := object{
				"settings": object{"number_of_shards": 2, "number_of_replicas": 0, "refresh_interval": "-1"},
				"mappings": object{"properties": object{"title": object{"type": "text"}, "pages": object{"type": "integer"}}},
			}
			return told(es.Indices.Create(books, es.Indices.Create.WithBody(text(body))))
		}},
		{"bulk", func() any {
			body := lines(object{"index": object{"_id": "1"}}, object{"pages": 1}, object{"create": object{"_id": "1"}}, object{"pages": 2}, object{"delete": object{"_id": "9"}})
			return statuses(told(es.Bulk(body, es.Bulk.WithIndex(books), es.Bulk.WithRefresh("true"))))
		}},
		{"bulk_helper", func() any {
			documents := map[string]any{}
			for at := 0; at < 500; at++ {
				documents[fmt.Sprint(at)] = object{"title": fmt.Sprintf("book %d é", at), "pages": at}
			}
			done, failed := helper(es, documents)
			return list{done, len(failed)}
		}},
		{"bulk_helper_failing", func() any {
			_, failed := helper(es, map[string]any{"x": object{"pages": "no number"}})
			return failed
		}},
		{"search", func() any {
			body := object{"query": object{"range": object{"pages": object{"gte": 490}}}, "sort": list{"pages"}, "aggs": object{"s": object{"sum": object{"field": "pages"}}}}
			found := told(es.Search(es.Search.WithIndex(books), es.Search.WithBody(text(body))))
			return list{from(hits(found)[0], "_id"), from(found, "hits", "total"), from(found, "aggregations", "s", "value")}
		}},
		{"scroll", func() any { return scroll(es) }},
		{"pit", func() any { return pointInTime(es) }},
		{"document", func() any { return document(es) }},
		{"missing_document", func() any { return told(es.Get(books, "none")) }},
		{"conflict", func() any {
			found := told(es.Create(books, "1", text(object{"pages": 1}))).(object)
			found["reason"], _, _ = strings.Cut(found["reason"].(string), ",")
			return found
		}},
		{"missing_index", func() any { return told(es.Search(es.Search.WithIndex("sg-nothing"))) }},
		{"invalid_query", func() any {
			body := text(object{"query": object{"nonsense": object{}}})
			return told(es.Search(es.Search.WithIndex(books), es.Search.WithBody(body)))
		}},
		{"msearch", func() any {
			body := lines(object{}, object{"size": 0, "query": object{"match": object{"title": "book"}}}, object{"index": "sg-nothing"}, object{})
			found := told(es.Msearch(body, es.Msearch.WithIndex(books)))
			seen := list{}
			for _, one := range from(found, "responses").(list) {
				seen = append(seen, from(one, "status"))
			}
			return seen
		}},
		{"cat", func() any {
			return told(es.Cat.Indices(es.Cat.Indices.WithIndex(books), es.Cat.Indices.WithH("index", "pri", "docs.count"), es.Cat.Indices.WithFormat("json")))
		}},
		{"large", func() any {
			body := text(object{"note": strings.Repeat("y", 2_000_000)})
			read(es.Index(books, body, es.Index.WithDocumentID("large"), es.Index.WithRefresh("true")))
			return len(from(told(es.Get(books, "large")), "_source", "note").(string))
		}},
		{"parallel", func() any {
			seen, all := make(list, 29), sync.WaitGroup{}
			for at := range seen {
				all.Add(1)
				go func(at int) {
					defer all.Done()
					query := fmt.Sprintf("pages:<%d", at+1)
					seen[at] = from(told(es.Count(es.Count.WithIndex(books), es.Count.WithQuery(query))), "count")
				}(at)
			}
			all.Wait()
			return seen
		}},
		{"bare_security", func() any { return told(es.Security.Authenticate()) }},
		{"bare_jobs", func() any { return told(es.ML.GetDataFrameAnalytics(es.ML.GetDataFrameAnalytics.WithID(job))) }},
		{"ours_bare_start", func() any { return start("node", "", "", job) }},
	}
}

func scroll(es *elasticsearch.Client) any {
	page := told(es.Search(es.Search.WithIndex(books), es.Search.WithScroll(time.Minute), es.Search.WithSize(200), es.Search.WithSort("pages")))
	seen := list{len(hits(page))}
	for len(hits(page)) > 0 {
		page = told(es.Scroll(es.Scroll.WithBody(text(object{"scroll_id": from(page, "_scroll_id"), "scroll": "1m"}))))
		seen = append(seen, len(hits(page)))
	}
	read(es.ClearScroll(es.ClearScroll.WithBody(text(object{"scroll_id": from(page, "_scroll_id")}))))
	return seen
}

func pointInTime(es *elasticsearch.Client) any {
	opened := from(told(es.OpenPointInTime([]string{books}, "1m")), "id")
	body := object{"size": 200, "sort": list{object{"pages": "asc"}}, "pit": object{"id": opened, "keep_alive": "1m"}}
	seen := list{}
	for {
		found := hits(told(es.Search(es.Search.WithBody(text(body)))))
		if len(found) == 0 {
			break
		}
		seen = append(seen, len(found))
		body["search_after"] = from(found[len(found)-1], "sort")
	}
	ended := told(es.ClosePointInTime(es.ClosePointInTime.WithBody(text(object{"id": opened}))))
	return list{seen, from(ended, "succeeded")}
}

func document(es *elasticsearch.Client) any {
	made := told(es.Index(books, text(object{"pages": 1}), es.Index.WithDocumentID(odd), es.Index.WithRefresh("true")))
	found := told(es.Get(books, odd))
	gone := told(es.Delete(books, odd, es.Delete.WithRefresh("true")))
	answer, fault := es.Exists(books, odd)
	read(answer, fault)
	return list{from(made, "result"), from(found, "_id"), from(found, "_source"), from(gone, "result"), answer.StatusCode}
}

func onCluster() []check {
	return []check{
		{"who", func() any {
			found := told(connect("cluster", "ann", "").Security.Authenticate())
			return list{from(found, "username"), from(found, "roles")}
		}},
		{"who_by_key", func() any {
			return from(told(connect("cluster", "key", places["api_key"]).Security.Authenticate()), "username")
		}},
		{"cluster_info", func() any { return from(told(connect("cluster", "ann", "").Info()), "version", "number") }},
		{"wrong_password", func() any { return search("ann", "wrong") }},
		{"forbidden", func() any { return search("bob", "") }},
		{"job_put", func() any {
			elastic := connect("cluster", "elastic", "")
			read(elastic.ML.DeleteDataFrameAnalytics(job))
			read(elastic.Indices.Delete([]string{out}))
			found := put(job, out, "sg-src-1", "sg-src-2")
			return list{from(found, "id"), from(found, "source", "index"), from(found, "dest")}
		}},
		{"job_start_forbidden", func() any { return start("cluster", "rita", "", job) }},
		{"job_start_wrong_password", func() any { return start("cluster", "ann", "wrong", job) }},
		{"job_start_missing", func() any { return start("cluster", "ann", "", "sg-none") }},
		{"ours_bad_id", func() any { return start("cluster", "ann", "", "Sg None") }},
		{"ours_denied", func() any { return start("cluster", "bob", "", job) }},
		{"ours_no_gate", func() any { return start("gateless", "ann", "", job) }},
		{"job_start", func() any { return start("cluster", "ann", "", job) }},
		{"job_stats", func() any { return ended() }},
		{"job_start_again", func() any { return start("cluster", "ann", "", job) }},
		{"job_start_conflict", func() any {
			put("sg-mixed", "sg-out-mixed", "sg-src-1", "sg-other")
			found := start("cluster", "ann", "", "sg-mixed")
			read(connect("cluster", "ann", "").ML.DeleteDataFrameAnalytics("sg-mixed"))
			return found
		}},
		{"job_stop", func() any { return told(connect("cluster", "ann", "").ML.StopDataFrameAnalytics(job)) }},
		{"job_delete", func() any { return told(connect("cluster", "ann", "").ML.DeleteDataFrameAnalytics(job)) }},
		{"job_start_challenge", func() any { return header("wrong", job).Values("WWW-Authenticate") }},
		{"ours_receipt", func() any { return len(header("", "sg-none").Get("X-Startgate-Receipt")) }},
	}
}

func search(who, secret string) any {
	es := connect("cluster", who, secret)
	return told(es.Search(es.Search.WithIndex("sg-src-1")))
}

func put(id, destination string, sources ...string) any {
	body := object{"source": object{"index": sources}, "dest": object{"index": destination}, "analysis": object{"outlier_detection": object{}}}
	return told(connect("cluster", "ann", "").ML.PutDataFrameAnalytics(id, text(body)))
}

// The headers of the answer to a start that fails.
func header(secret, id string) http.Header {
	answer, fault := connect("cluster", "ann", secret).ML.StartDataFrameAnalytics(id)
	read(answer, fault)
	return answer.Header
}

// The job's last state, and what is in its destination.
func ended() any {
	es, state := connect("cluster", "ann", ""), any("")
	for at := 0; at < 400 && state != "stopped" && state != "failed"; at++ {
		time.Sleep(50 * time.Millisecond)
		found := told(es.ML.GetDataFrameAnalyticsStats(es.ML.GetDataFrameAnalyticsStats.WithID(job)))
		state = from(from(found, "data_frame_analytics").(list)[0], "state")
	}
	return list{state, from(told(es.Count(es.Count.WithIndex(out))), "count")}
}

func main() {
	must(json.Unmarshal([]byte(os.Getenv("SUITE")), &places))
	node := config("node", "", "")
	node.CompressRequestBody = true
	es, fault := elasticsearch.NewClient(node)
	must(fault)
	found := object{}
	for _, one := range append(onNode(es), onCluster()...) {
		// What is Startgate's own has no counterpart directly.
		if strings.HasPrefix(one.name, "ours_") && places["gateless"] == "" {
			continue
		}
		found[one.name] = one.run()
	}
	told, fault := json.Marshal(object{"client": "go-elasticsearch " + elasticsearch.Version, "checks": found})
	must(fault)
	fmt.Println(string(told))
}
