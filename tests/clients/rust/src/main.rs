//! The checks of the Rust client, for its lines 7, 8 and 9. Reads where to talk to from the variable SUITE, prints one
//! JSON object. The client hands out answers as they are: it has no errors of its own for what a cluster refuses, and
//! no helpers but the operations of a bulk.

use elasticsearch::{
    auth::Credentials,
    cat::CatIndicesParts,
    http::{
        headers::HeaderMap,
        request::JsonBody,
        response::Response,
        transport::{SingleNodeConnectionPool, TransportBuilder},
        Url,
    },
    indices::{IndicesCreateParts, IndicesDeleteParts},
    ml::{
        MlDeleteDataFrameAnalyticsParts, MlGetDataFrameAnalyticsParts, MlGetDataFrameAnalyticsStatsParts,
        MlPutDataFrameAnalyticsParts, MlStartDataFrameAnalyticsParts, MlStopDataFrameAnalyticsParts,
    },
    params::Refresh,
    BulkOperation, BulkOperations, BulkParts, ClearScrollParts, CountParts, CreateParts, DeleteParts, Elasticsearch,
    Error, ExistsParts, GetParts, IndexParts, MsearchParts, OpenPointInTimeParts, ScrollParts, SearchParts,
};
use serde_json::{json, Map, Value};
use std::{collections::HashMap, time::Duration};

const JOB: &str = "sg-job";
const OUT: &str = "sg-out";
const BOOKS: &str = "sg-books";
const ODD: &str = "a/b c+d%é?#";

type Heard = Result<Value, Error>;
type Places = HashMap<String, String>;

/// A client as its documentation makes it; as a user, with an API key, or as nobody.
fn connect(places: &Places, place: &str, who: &str, secret: &str) -> Elasticsearch {
    let url = Url::parse(&places[place]).expect("an address");
    let mut builder = TransportBuilder::new(SingleNodeConnectionPool::new(url)).disable_proxy();
    if !who.is_empty() {
        let secret = if secret.is_empty() { places[who].as_str() } else { secret };
        builder = builder.auth(Credentials::Basic(who.into(), secret.into()));
    }
    Elasticsearch::new(builder.build().expect("a transport"))
}

/// The body of an answer, or what it says of a failure.
async fn told(answer: Response) -> Heard {
    let status = answer.status_code().as_u16();
    let text = answer.text().await?;
    let body: Value = serde_json::from_str(&text).unwrap_or(Value::Null);
    if status < 400 {
        return Ok(body);
    }
    let error = &body["error"];
    let reason = if error.is_string() { error } else { &error["reason"] };
    Ok(json!({"raised": "Response", "status": status, "type": error["type"], "reason": reason}))
}

fn hits(page: &Value) -> Vec<Value> {
    page["hits"]["hits"].as_array().cloned().unwrap_or_default()
}

fn statuses(found: &Value) -> Vec<Value> {
    let items = found["items"].as_array().expect("items");
    items.iter().flat_map(|item| item.as_object().expect("an item").values().map(|one| one["status"].clone())).collect()
}

async fn start(es: &Elasticsearch, id: &str) -> Result<Response, Error> {
    es.ml().start_data_frame_analytics(MlStartDataFrameAnalyticsParts::Id(id)).timeout("20s").send().await
}

async fn put(es: &Elasticsearch, id: &str, sources: &[&str], destination: &str) -> Heard {
    let body = json!({
        "source": {"index": sources}, "dest": {"index": destination}, "analysis": {"outlier_detection": {}}
    });
    told(es.ml().put_data_frame_analytics(MlPutDataFrameAnalyticsParts::Id(id)).body(body).send().await?).await
}

async fn scroll(es: &Elasticsearch) -> Heard {
    let first = es.search(SearchParts::Index(&[BOOKS])).scroll("1m").body(json!({"size": 200, "sort": ["pages"]}));
    let mut page = told(first.send().await?).await?;
    let mut seen = vec![hits(&page).len()];
    while !hits(&page).is_empty() {
        let body = json!({"scroll_id": page["_scroll_id"], "scroll": "1m"});
        page = told(es.scroll(ScrollParts::None).body(body).send().await?).await?;
        seen.push(hits(&page).len());
    }
    es.clear_scroll(ClearScrollParts::None).body(json!({"scroll_id": page["_scroll_id"]})).send().await?;
    Ok(json!(seen))
}

async fn point_in_time(es: &Elasticsearch) -> Heard {
    let opened = es.open_point_in_time(OpenPointInTimeParts::Index(&[BOOKS])).keep_alive("1m").send().await?;
    let id = told(opened).await?["id"].clone();
    let mut body = json!({"size": 200, "sort": [{"pages": "asc"}], "pit": {"id": id, "keep_alive": "1m"}});
    let mut seen = vec![];
    loop {
        let found = hits(&told(es.search(SearchParts::None).body(body.clone()).send().await?).await?);
        let Some(last) = found.last() else { break };
        seen.push(found.len());
        body["search_after"] = last["sort"].clone();
    }
    let ended = told(es.close_point_in_time().body(json!({"id": id})).send().await?).await?;
    Ok(json!([seen, ended["succeeded"]]))
}

async fn document(es: &Elasticsearch) -> Heard {
    let made = es.index(IndexParts::IndexId(BOOKS, ODD)).body(json!({"pages": 1})).refresh(Refresh::True).send().await?;
    let made = told(made).await?;
    let found = told(es.get(GetParts::IndexId(BOOKS, ODD)).send().await?).await?;
    let gone = told(es.delete(DeleteParts::IndexId(BOOKS, ODD)).refresh(Refresh::True).send().await?).await?;
    let left = es.exists(ExistsParts::IndexId(BOOKS, ODD)).send().await?.status_code().as_u16();
    Ok(json!([made["result"], found["_id"], found["_source"], gone["result"], left]))
}

/// The checks on the bare node, by name.
async fn on_node(es: &Elasticsearch, found: &mut Map<String, Value>, ours: bool) -> Result<(), Error> {
    let mut hear = |name: &str, value: Value| found.insert(name.into(), value);
    hear("info", told(es.info().send().await?).await?["version"]["number"].clone());
    hear("ping", json!(es.ping().send().await?.status_code().is_success()));
    es.indices().delete(IndicesDeleteParts::Index(&[BOOKS])).ignore_unavailable(true).send().await?;
    let body = json!({
        "settings": {"number_of_shards": 2, "number_of_replicas": 0, "refresh_interval": "-1"},
        "mappings": {"properties": {"title": {"type": "text"}, "pages": {"type": "integer"}}}
    });
    hear("index_create", told(es.indices().create(IndicesCreateParts::Index(BOOKS)).body(body).send().await?).await?);
    let lines: Vec<JsonBody<Value>> = vec![
        json!({"index": {"_id": "1"}}).into(),
        json!({"pages": 1}).into(),
        json!({"create": {"_id": "1"}}).into(),
        json!({"pages": 2}).into(),
        json!({"delete": {"_id": "9"}}).into(),
    ];
    let bulk = es.bulk(BulkParts::Index(BOOKS)).refresh(Refresh::True).body(lines).send().await?;
    hear("bulk", json!(statuses(&told(bulk).await?)));
    let mut operations = BulkOperations::new();
    for at in 0..500 {
        let book = json!({"title": format!("book {at} é"), "pages": at});
        operations.push(BulkOperation::index(book).id(at.to_string()))?;
    }
    let bulk = es.bulk(BulkParts::Index(BOOKS)).refresh(Refresh::True).body(vec![operations]).send().await?;
    hear("bulk_helper", json!(statuses(&told(bulk).await?).len()));
    let mut operations = BulkOperations::new();
    operations.push(BulkOperation::index(json!({"pages": "no number"})).id("x"))?;
    let bulk = es.bulk(BulkParts::Index(BOOKS)).body(vec![operations]).send().await?;
    hear("bulk_helper_failing", json!(statuses(&told(bulk).await?)));
    let body = json!({
        "query": {"range": {"pages": {"gte": 490}}}, "sort": ["pages"], "aggs": {"s": {"sum": {"field": "pages"}}}
    });
    let page = told(es.search(SearchParts::Index(&[BOOKS])).body(body).send().await?).await?;
    hear("search", json!([hits(&page)[0]["_id"], page["hits"]["total"], page["aggregations"]["s"]["value"]]));
    hear("scroll", scroll(es).await?);
    hear("pit", point_in_time(es).await?);
    hear("document", document(es).await?);
    hear("missing_document", told(es.get(GetParts::IndexId(BOOKS, "none")).send().await?).await?);
    let taken = es.create(CreateParts::IndexId(BOOKS, "1")).body(json!({"pages": 1})).send().await?;
    let mut taken = told(taken).await?;
    taken["reason"] = json!(taken["reason"].as_str().unwrap_or_default().split(',').next());
    hear("conflict", taken);
    hear("missing_index", told(es.search(SearchParts::Index(&["sg-nothing"])).send().await?).await?);
    let body = json!({"query": {"nonsense": {}}});
    hear("invalid_query", told(es.search(SearchParts::Index(&[BOOKS])).body(body).send().await?).await?);
    let lines: Vec<JsonBody<Value>> = vec![
        json!({}).into(),
        json!({"size": 0, "query": {"match": {"title": "book"}}}).into(),
        json!({"index": "sg-nothing"}).into(),
        json!({}).into(),
    ];
    let several = told(es.msearch(MsearchParts::Index(&[BOOKS])).body(lines).send().await?).await?;
    let several: Vec<&Value> = several["responses"].as_array().expect("answers").iter().map(|one| &one["status"]).collect();
    hear("msearch", json!(several));
    let cat = es.cat();
    let listed = cat.indices(CatIndicesParts::Index(&[BOOKS])).h(&["index", "pri", "docs.count"]).format("json");
    hear("cat", told(listed.send().await?).await?);
    let body = json!({"note": "y".repeat(2_000_000)});
    es.index(IndexParts::IndexId(BOOKS, "large")).body(body).refresh(Refresh::True).send().await?;
    let large = told(es.get(GetParts::IndexId(BOOKS, "large")).send().await?).await?;
    hear("large", json!(large["_source"]["note"].as_str().map(str::len)));
    let mut running = vec![];
    for at in 1..30 {
        let es = es.clone();
        running.push(tokio::spawn(async move {
            let query = format!("pages:<{at}");
            told(es.count(CountParts::Index(&[BOOKS])).q(&query).send().await?).await
        }));
    }
    let mut counts = vec![];
    for one in running {
        counts.push(one.await.expect("a task")?["count"].clone());
    }
    hear("parallel", json!(counts));
    hear("bare_security", told(es.security().authenticate().send().await?).await?);
    let jobs = es.ml().get_data_frame_analytics(MlGetDataFrameAnalyticsParts::Id(JOB)).send().await?;
    hear("bare_jobs", told(jobs).await?);
    if ours {
        hear("ours_bare_start", told(start(es, JOB).await?).await?);
    }
    Ok(())
}

/// The job's last state, and what is in its destination.
async fn ended(ann: &Elasticsearch) -> Heard {
    let mut state = Value::Null;
    for _ in 0..400 {
        let stats = ann.ml().get_data_frame_analytics_stats(MlGetDataFrameAnalyticsStatsParts::Id(JOB)).send().await?;
        state = told(stats).await?["data_frame_analytics"][0]["state"].clone();
        if state == "stopped" || state == "failed" {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(json!([state, told(ann.count(CountParts::Index(&[OUT])).send().await?).await?["count"]]))
}

/// The checks on the cluster with security and machine learning, by name.
async fn on_cluster(places: &Places, found: &mut Map<String, Value>, ours: bool) -> Result<(), Error> {
    let mut hear = |name: &str, value: Value| found.insert(name.into(), value);
    let [ann, bob, rita, elastic] = ["ann", "bob", "rita", "elastic"].map(|who| connect(places, "cluster", who, ""));
    let wrong = connect(places, "cluster", "ann", "wrong");
    let known = told(ann.security().authenticate().send().await?).await?;
    hear("who", json!([known["username"], known["roles"]]));
    let key = Url::parse(&places["cluster"]).expect("an address");
    let mut headers = HeaderMap::new();
    headers.insert("authorization", format!("ApiKey {}", places["api_key"]).parse().expect("a header"));
    let transport = TransportBuilder::new(SingleNodeConnectionPool::new(key)).headers(headers).disable_proxy().build();
    let by_key = Elasticsearch::new(transport.expect("a transport"));
    hear("who_by_key", told(by_key.security().authenticate().send().await?).await?["username"].clone());
    hear("cluster_info", told(ann.info().send().await?).await?["version"]["number"].clone());
    hear("wrong_password", told(wrong.search(SearchParts::Index(&["sg-src-1"])).send().await?).await?);
    hear("forbidden", told(bob.search(SearchParts::Index(&["sg-src-1"])).send().await?).await?);
    elastic.ml().delete_data_frame_analytics(MlDeleteDataFrameAnalyticsParts::Id(JOB)).send().await?;
    elastic.indices().delete(IndicesDeleteParts::Index(&[OUT])).send().await?;
    let made = put(&ann, JOB, &["sg-src-1", "sg-src-2"], OUT).await?;
    hear("job_put", json!([made["id"], made["source"]["index"], made["dest"]]));
    hear("job_start_forbidden", told(start(&rita, JOB).await?).await?);
    let refused = start(&wrong, JOB).await?;
    let asked: Vec<String> =
        refused.headers().get_all("www-authenticate").iter().map(|one| one.to_str().unwrap_or_default().into()).collect();
    hear("job_start_challenge", json!(asked));
    hear("job_start_wrong_password", told(refused).await?);
    hear("job_start_missing", told(start(&ann, "sg-none").await?).await?);
    if ours {
        hear("ours_bad_id", told(start(&ann, "Sg None").await?).await?);
        hear("ours_denied", told(start(&bob, JOB).await?).await?);
        let gateless = connect(places, "gateless", "ann", "");
        hear("ours_no_gate", told(start(&gateless, JOB).await?).await?);
        let answer = start(&ann, "sg-none").await?;
        hear("ours_receipt", json!(answer.headers().get("x-startgate-receipt").map(|one| one.len())));
    }
    hear("job_start", told(start(&ann, JOB).await?).await?);
    hear("job_stats", ended(&ann).await?);
    hear("job_start_again", told(start(&ann, JOB).await?).await?);
    put(&ann, "sg-mixed", &["sg-src-1", "sg-other"], "sg-out-mixed").await?;
    hear("job_start_conflict", told(start(&ann, "sg-mixed").await?).await?);
    ann.ml().delete_data_frame_analytics(MlDeleteDataFrameAnalyticsParts::Id("sg-mixed")).send().await?;
    let stopped = ann.ml().stop_data_frame_analytics(MlStopDataFrameAnalyticsParts::Id(JOB)).body(json!({})).send().await?;
    hear("job_stop", told(stopped).await?);
    let deleted = ann.ml().delete_data_frame_analytics(MlDeleteDataFrameAnalyticsParts::Id(JOB)).send().await?;
    hear("job_delete", told(deleted).await?);
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    let places: Places = serde_json::from_str(&std::env::var("SUITE").expect("SUITE")).expect("JSON");
    // What is Startgate's own has no counterpart directly.
    let ours = !places["gateless"].is_empty();
    let mut found = Map::new();
    on_node(&connect(&places, "node", "", ""), &mut found, ours).await?;
    on_cluster(&places, &mut found, ours).await?;
    println!("{}", json!({"client": format!("elasticsearch-rs {}", env!("CARGO_PKG_DESCRIPTION")), "checks": found}));
    Ok(())
}
