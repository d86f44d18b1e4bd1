import co.elastic.clients.elasticsearch.ElasticsearchClient;
import co.elastic.clients.elasticsearch._helpers.bulk.BulkIngester;
import co.elastic.clients.elasticsearch._helpers.bulk.BulkListener;
import co.elastic.clients.elasticsearch._types.ElasticsearchException;
import co.elastic.clients.elasticsearch._types.FieldValue;
import co.elastic.clients.elasticsearch._types.Refresh;
import co.elastic.clients.elasticsearch.core.BulkRequest;
import co.elastic.clients.elasticsearch.core.BulkResponse;
import co.elastic.clients.elasticsearch.core.bulk.BulkResponseItem;
import co.elastic.clients.elasticsearch.core.search.Hit;
import co.elastic.clients.transport.Version;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.StringReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * The checks of the Java client, for its lines 7, 8 and 9, all by its typed API. Reads where to talk to from the
 * variable SUITE, prints one JSON object. What the lines differ in is in Line.java, in `rest` and `rest5`.
 */
public class Suite {
    static final String JOB = "sg-job";
    static final String OUT = "sg-out";
    static final String BOOKS = "sg-books";
    static final String ODD = "a/b c+d%é?#";
    static final ObjectMapper JSON = new ObjectMapper();
    static Map<String, String> places;

    /** A call on somebody's client. */
    interface Call {
        Object on(ElasticsearchClient es) throws Exception;
    }

    static ElasticsearchClient connect(String place, String who, String secret) {
        String authorization = null;
        if ("key".equals(who)) {
            authorization = "ApiKey " + secret;
        } else if (who != null) {
            String pair = who + ":" + (secret == null ? places.get(who) : secret);
            authorization = "Basic " + Base64.getEncoder().encodeToString(pair.getBytes(StandardCharsets.UTF_8));
        }
        return Line.connect(places.get(place), authorization, who == null);
    }

    /** What a call gives, or what the client's own exception tells of its failure. */
    static Object told(Callable<Object> call) throws Exception {
        try {
            return call.call();
        } catch (ElasticsearchException fault) {
            Map<String, Object> found = new LinkedHashMap<>();
            found.put("raised", fault.getClass().getSimpleName());
            found.put("status", fault.status());
            found.put("type", fault.error().type());
            found.put("reason", fault.error().reason());
            return found;
        } catch (Exception fault) {
            // A node without a handler says so without a type, which this client has no exception for.
            return Map.of("raised", fault.getClass().getSimpleName(), "reason", String.valueOf(fault.getMessage()));
        }
    }

    static Object as(String place, String who, String secret, Call call) throws Exception {
        ElasticsearchClient es = connect(place, who, secret);
        try {
            return told(() -> call.on(es));
        } finally {
            es._transport().close();
        }
    }

    static Object asAnn(Call call) throws Exception {
        return as("cluster", "ann", null, call);
    }

    static Call start(String id) {
        return es -> {
            var found = es.ml().startDataFrameAnalytics(one -> one.id(id).timeout(time -> time.time("20s")));
            return Map.of("acknowledged", found.acknowledged(), "node", found.node());
        };
    }

    static Call put(String id, String destination, String... sources) {
        String named = Arrays.stream(sources).map(name -> '"' + name + '"').collect(Collectors.joining(","));
        String body = "{\"source\":{\"index\":[" + named + "]},\"dest\":{\"index\":\"" + destination
            + "\"},\"analysis\":{\"outlier_detection\":{}}}";
        return es -> {
            var found = es.ml().putDataFrameAnalytics(one -> one.id(id).withJson(new StringReader(body)));
            return List.of(found.id(), found.source().index(), found.dest().index());
        };
    }

    static Call search(String body) {
        return es -> {
            var found = es.search(one -> one.index(BOOKS).withJson(new StringReader(body)), Map.class);
            return List.of(ids(found.hits().hits()), found.hits().total().value());
        };
    }

    static List<String> ids(List<? extends Hit<?>> hits) {
        return hits.stream().map(Hit::id).collect(Collectors.toList());
    }

    static String sorts(Hit<?> hit) {
        return hit.sort().stream().map(FieldValue::_toJsonString).collect(Collectors.joining(",", "[", "]"));
    }

    static List<Object> helper(ElasticsearchClient es, Map<String, Map<String, ?>> documents) throws Exception {
        AtomicInteger done = new AtomicInteger();
        List<Object> failed = Collections.synchronizedList(new ArrayList<>());
        BulkListener<Void> listener = new BulkListener<Void>() {
            @Override
            public void beforeBulk(long id, BulkRequest request, List<Void> contexts) {
            }

            @Override
            public void afterBulk(long id, BulkRequest request, List<Void> contexts, BulkResponse answer) {
                for (BulkResponseItem item : answer.items()) {
                    if (item.error() == null) {
                        done.incrementAndGet();
                    } else {
                        failed.add(item.status());
                    }
                }
            }

            @Override
            public void afterBulk(long id, BulkRequest request, List<Void> contexts, Throwable fault) {
                failed.add(fault.toString());
            }
        };
        BulkIngester<Void> ingester =
            BulkIngester.of(one -> one.client(es).maxOperations(100).listener(listener).globalSettings(all -> all.refresh(Refresh.True)));
        documents.forEach((id, document) ->
            ingester.add(one -> one.index(into -> into.index(BOOKS).id(id).document(document))));
        ingester.close();
        // Line 7 tells its listener of the last bulk a moment after it is closed.
        for (int at = 0; at < 400 && done.get() + failed.size() < documents.size(); at++) {
            Thread.sleep(25);
        }
        return List.of(done.get(), failed);
    }

    static Object scroll(ElasticsearchClient es) throws Exception {
        var first = es.search(one -> one.index(BOOKS).size(200).scroll(time -> time.time("1m")), Map.class);
        List<Integer> seen = new ArrayList<>(List.of(first.hits().hits().size()));
        String held = first.scrollId();
        while (seen.get(seen.size() - 1) > 0) {
            String id = held;
            var page = es.scroll(one -> one.scrollId(id).scroll(time -> time.time("1m")), Map.class);
            seen.add(page.hits().hits().size());
            held = page.scrollId();
        }
        String id = held;
        es.clearScroll(one -> one.scrollId(id));
        return seen;
    }

    static Object pointInTime(ElasticsearchClient es) throws Exception {
        String id = es.openPointInTime(one -> one.index(BOOKS).keepAlive(time -> time.time("1m"))).id();
        List<Integer> seen = new ArrayList<>();
        String after = "";
        while (true) {
            String body = "{\"size\":200,\"sort\":[{\"pages\":\"asc\"}],\"pit\":{\"id\":\"" + id + "\",\"keep_alive\":\"1m\"}" + after + "}";
            var found = es.search(one -> one.withJson(new StringReader(body)), Map.class).hits().hits();
            if (found.isEmpty()) {
                break;
            }
            seen.add(found.size());
            after = ",\"search_after\":" + sorts(found.get(found.size() - 1));
        }
        return List.of(seen, es.closePointInTime(one -> one.id(id)).succeeded());
    }

    static Object document(ElasticsearchClient es) throws Exception {
        var made = es.index(one -> one.index(BOOKS).id(ODD).document(Map.of("pages", 1)).refresh(Refresh.True));
        var found = es.get(one -> one.index(BOOKS).id(ODD), Map.class);
        var gone = es.delete(one -> one.index(BOOKS).id(ODD).refresh(Refresh.True));
        boolean left = es.exists(one -> one.index(BOOKS).id(ODD)).value();
        return List.of(made.result().jsonValue(), found.id(), found.source(), gone.result().jsonValue(), left ? "left" : "gone");
    }

    static void onNode(Map<String, Callable<Object>> checks, ElasticsearchClient es) {
        checks.put("info", () -> told(() -> es.info().version().number()));
        checks.put("ping", () -> es.ping().value());
        checks.put("index_create", () -> {
            es.indices().delete(one -> one.index(BOOKS).ignoreUnavailable(true));
            String body = "{\"settings\":{\"number_of_shards\":2,\"number_of_replicas\":0,\"refresh_interval\":\"-1\"},\"mappings\":{\"properties\":"
                + "{\"title\":{\"type\":\"text\"},\"pages\":{\"type\":\"integer\"}}}}";
            return es.indices().create(one -> one.index(BOOKS).withJson(new StringReader(body))).acknowledged();
        });
        checks.put("bulk", () -> es.bulk(all -> all.index(BOOKS).refresh(Refresh.True)
            .operations(one -> one.index(into -> into.id("1").document(Map.of("pages", 1))))
            .operations(one -> one.create(into -> into.id("1").document(Map.of("pages", 2))))
            .operations(one -> one.delete(into -> into.id("9"))))
            .items().stream().map(BulkResponseItem::status).collect(Collectors.toList()));
        checks.put("bulk_helper", () -> {
            Map<String, Map<String, ?>> documents = new LinkedHashMap<>();
            IntStream.range(0, 500).forEach(at -> documents.put("" + at, Map.of("title", "book " + at + " é", "pages", at)));
            return helper(es, documents);
        });
        checks.put("bulk_helper_failing", () -> helper(es, Map.of("x", Map.of("pages", "no number"))));
        checks.put("search", () -> search("{\"query\":{\"range\":{\"pages\":{\"gte\":490}}},\"sort\":[\"pages\"]}").on(es));
        checks.put("scroll", () -> scroll(es));
        checks.put("pit", () -> pointInTime(es));
        checks.put("document", () -> document(es));
        checks.put("missing_document", () -> es.get(one -> one.index(BOOKS).id("none"), Map.class).found() ? "found" : "missing");
        checks.put("conflict", () -> {
            Map<String, Object> found = new LinkedHashMap<>((Map<String, Object>) told(
                () -> es.create(one -> one.index(BOOKS).id("1").document(Map.of("pages", 1)))));
            found.put("reason", found.get("reason").toString().split(",")[0]);
            return found;
        });
        checks.put("missing_index", () -> told(() -> es.search(one -> one.index("sg-nothing"), Map.class)));
        checks.put("invalid_query", () -> told(() -> search("{\"query\":{\"exists\":{\"field\":\"\"}}, \"from\":-5}").on(es)));
        checks.put("msearch", () -> es.msearch(all -> all.index(BOOKS)
            .searches(one -> one.header(in -> in).body(in -> in.size(0)))
            .searches(one -> one.header(in -> in.index("sg-nothing")).body(in -> in)), Map.class)
            .responses().stream().map(one -> one.isFailure() ? one.failure().status() : 200).collect(Collectors.toList()));
        checks.put("cat", () -> Line.indices(es, BOOKS));
        checks.put("large", () -> {
            es.index(one -> one.index(BOOKS).id("large").document(Map.of("note", "y".repeat(2_000_000))).refresh(Refresh.True));
            return es.get(one -> one.index(BOOKS).id("large"), Map.class).source().get("note").toString().length();
        });
        checks.put("parallel", () -> IntStream.range(1, 30).parallel().mapToObj(at -> {
            try {
                return es.count(one -> one.index(BOOKS).query(in -> in.queryString(text -> text.query("pages:<" + at)))).count();
            } catch (Exception fault) {
                throw new IllegalStateException(fault);
            }
        }).collect(Collectors.toList()));
        checks.put("bare_security", () -> told(() -> es.security().authenticate().username()));
        checks.put("bare_jobs", () -> told(() -> es.ml().getDataFrameAnalytics(one -> one.id(JOB)).count()));
        checks.put("ours_bare_start", () -> told(() -> start(JOB).on(es)));
    }

    static void onCluster(Map<String, Callable<Object>> checks) {
        checks.put("who", () -> asAnn(es -> {
            var found = es.security().authenticate();
            return List.of(found.username(), found.roles());
        }));
        checks.put("who_by_key", () -> as("cluster", "key", places.get("api_key"), es -> es.security().authenticate().username()));
        checks.put("cluster_info", () -> asAnn(es -> List.of(es.info().version().number(), es.ping().value())));
        checks.put("wrong_password", () -> as("cluster", "ann", "wrong", es -> es.search(one -> one.index("sg-src-1"), Map.class)));
        checks.put("forbidden", () -> as("cluster", "bob", null, es -> es.search(one -> one.index("sg-src-1"), Map.class)));
        checks.put("job_put", () -> {
            as("cluster", "elastic", null, es -> es.ml().deleteDataFrameAnalytics(one -> one.id(JOB)));
            as("cluster", "elastic", null, es -> es.indices().delete(one -> one.index(OUT)));
            return asAnn(put(JOB, OUT, "sg-src-1", "sg-src-2"));
        });
        checks.put("job_start_forbidden", () -> as("cluster", "rita", null, start(JOB)));
        checks.put("job_start_wrong_password", () -> as("cluster", "ann", "wrong", start(JOB)));
        checks.put("job_start_missing", () -> asAnn(start("sg-none")));
        checks.put("ours_bad_id", () -> asAnn(start("Sg None")));
        checks.put("ours_denied", () -> as("cluster", "bob", null, start(JOB)));
        checks.put("ours_no_gate", () -> as("gateless", "ann", null, start(JOB)));
        checks.put("job_start", () -> asAnn(start(JOB)));
        checks.put("job_stats", () -> {
            await();
            return asAnn(es -> {
                String state = es.ml().getDataFrameAnalyticsStats(one -> one.id(JOB)).dataFrameAnalytics().get(0).state().jsonValue();
                return List.of(state, es.count(one -> one.index(OUT)).count());
            });
        });
        checks.put("job_start_again", () -> asAnn(start(JOB)));
        checks.put("job_start_conflict", () -> {
            asAnn(put("sg-mixed", "sg-out-mixed", "sg-src-1", "sg-other"));
            Object found = asAnn(start("sg-mixed"));
            asAnn(es -> es.ml().deleteDataFrameAnalytics(one -> one.id("sg-mixed")));
            return found;
        });
        checks.put("job_stop", () -> asAnn(es -> es.ml().stopDataFrameAnalytics(one -> one.id(JOB)).stopped()));
        checks.put("job_delete", () -> asAnn(es -> es.ml().deleteDataFrameAnalytics(one -> one.id(JOB)).acknowledged()));
        checks.put("job_start_challenge", () -> header("wrong", JOB, "WWW-Authenticate"));
        checks.put("ours_receipt", () -> header(null, "sg-none", "X-Startgate-Receipt").length());
    }

    /**
     * Waits until the job stands still, without the typed API. In line 7 that demands an `external_id` of the node that
     * runs the job (NodeAttributes), which Elasticsearch does not write (GetDataFrameAnalyticsStatsAction): it reads the
     * statistics of jobs that stand still, and of no other.
     */
    static void await() throws Exception {
        String pair = Base64.getEncoder().encodeToString(("ann:" + places.get("ann")).getBytes(StandardCharsets.UTF_8));
        var asked = java.net.http.HttpRequest.newBuilder(java.net.URI.create(places.get("cluster") + "/_ml/data_frame/analytics/" + JOB + "/_stats"))
            .header("Authorization", "Basic " + pair).build();
        var client = java.net.http.HttpClient.newBuilder().version(java.net.http.HttpClient.Version.HTTP_1_1).build();
        for (int at = 0; at < 400; at++) {
            String body = client.send(asked, java.net.http.HttpResponse.BodyHandlers.ofString()).body();
            if (body.contains("\"state\":\"stopped\"") || body.contains("\"state\":\"failed\"")) {
                return;
            }
            Thread.sleep(50);
        }
    }

    /** A header of the answer to a start that fails, from the exception. */
    static String header(String secret, String id, String name) throws Exception {
        ElasticsearchClient es = connect("cluster", "ann", secret);
        try {
            return String.valueOf(start(id).on(es));
        } catch (ElasticsearchException fault) {
            return fault.httpResponse().header(name);
        } finally {
            es._transport().close();
        }
    }

    public static void main(String[] arguments) {
        try {
            run();
            System.exit(0);
        } catch (Throwable fault) {
            // Threads of a client that is left open would keep the process alive.
            fault.printStackTrace();
            System.exit(1);
        }
    }

    static void run() throws Exception {
        places = JSON.readValue(System.getenv("SUITE"), Map.class);
        ElasticsearchClient es = connect("node", null, null);
        Map<String, Callable<Object>> checks = new LinkedHashMap<>();
        onNode(checks, es);
        onCluster(checks);
        Map<String, Object> found = new LinkedHashMap<>();
        for (var one : checks.entrySet()) {
            // What is Startgate's own has no counterpart directly.
            if (!one.getKey().startsWith("ours_") || !places.get("gateless").isEmpty()) {
                System.err.println(one.getKey());
                found.put(one.getKey(), one.getValue().call());
            }
        }
        es._transport().close();
        System.out.println(JSON.writeValueAsString(Map.of("client", "elasticsearch-java " + Version.VERSION, "checks", found)));
    }
}
