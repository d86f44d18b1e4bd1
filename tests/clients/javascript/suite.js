'use strict'
// The checks of the JavaScript client, for its lines 7, 8 and 9.

const { elasticsearch, places, line, given, taken, told, suite, main } = require('./common')

const JOB = 'sg-job'
const OUT = 'sg-out'
const BOOKS = 'sg-books'
const ODD = 'a/b c+d%é?#'
const JOB_BODY = {
  source: { index: ['sg-src-1', 'sg-src-2'] },
  dest: { index: OUT },
  analysis: { outlier_detection: {} }
}

const connect = (place, username, password) => {
  const auth = username === 'key' ? { apiKey: password } : { username, password: password || places[username] }
  return new elasticsearch.Client({ node: places[place], ...(username ? { auth } : {}) })
}
const node = new elasticsearch.Client({ node: places.node, compression: line === 7 ? 'gzip' : true })

// A call as somebody.
const as = async (place, username, call, password) => {
  const client = connect(place, username, password)
  try {
    return await told(() => call(client))
  } finally {
    await client.close()
  }
}
const start = (id, more) => (es) => es.ml.startDataFrameAnalytics({ id, ...more })
const hits = (page) => page.hits.hits.map((hit) => hit._id)
// Of an answer to a bulk, the status of each item.
const statuses = (found) => found.items.map((item) => Object.values(item)[0].status)
const operations = (lines) => (line === 7 ? { body: lines } : { operations: lines })

const helper = async (documents, onDrop) => {
  const options = { datasource: documents, onDocument: (one) => ({ index: { _index: BOOKS, _id: one.id } }), flushBytes: 4000 }
  return node.helpers.bulk({ ...options, refreshOnCompletion: BOOKS, onDrop })
}

// The headers of the answer to a start that fails.
const headersOfStart = async (id, password) => {
  const client = connect('cluster', 'ann', password)
  try {
    return await client.ml.startDataFrameAnalytics({ id })
  } catch (fault) {
    return fault.meta.headers
  } finally {
    await client.close()
  }
}

const onNode = {
  info: async () => {
    const found = await told(() => node.info())
    return found.version ? found.version.number : found
  },
  ping: () => taken(node.ping()),
  index_create: async () => {
    await node.indices.delete({ index: BOOKS, ignore_unavailable: true })
    return told(() => node.indices.create(given({ index: BOOKS }, {
      settings: { number_of_shards: 2, number_of_replicas: 0, refresh_interval: '-1' },
      mappings: { properties: { title: { type: 'text' }, pages: { type: 'integer' } } }
    })))
  },
  bulk: async () => {
    const lines = [{ index: { _id: '1' } }, { pages: 1 }, { create: { _id: '1' } }, { pages: 2 }, { delete: { _id: '9' } }]
    return statuses(await taken(node.bulk({ index: BOOKS, refresh: true, ...operations(lines) })))
  },
  bulk_helper: async () => {
    const documents = Array.from({ length: 500 }, (_, at) => ({ id: String(at), title: `book ${at} é`, pages: at }))
    const found = await helper(documents)
    return [found.successful, found.failed]
  },
  bulk_helper_failing: async () => {
    const dropped = []
    const found = await helper([{ id: 'x', pages: 'no number' }], (one) => dropped.push([one.status, one.error.type]))
    return [found.failed, dropped]
  },
  search: async () => {
    const found = await taken(node.search(given({ index: BOOKS }, {
      query: { range: { pages: { gte: 490 } } },
      sort: ['pages'],
      aggs: { s: { sum: { field: 'pages' } } }
    })))
    return [hits(found), found.hits.total, found.aggregations.s.value]
  },
  scroll: async () => {
    let page = await taken(node.search(given({ index: BOOKS, scroll: '1m' }, { size: 200, sort: ['pages'] })))
    const seen = [hits(page).length]
    while (hits(page).length) {
      page = await taken(node.scroll(given({}, { scroll_id: page._scroll_id, scroll: '1m' })))
      seen.push(hits(page).length)
    }
    await node.clearScroll(given({}, { scroll_id: page._scroll_id }))
    return seen
  },
  scroll_helper: async () => {
    let seen = 0
    for await (const document of node.helpers.scrollDocuments(given({ index: BOOKS }, { size: 90 }))) seen += document ? 1 : 0
    return seen
  },
  search_helper: async () => (await node.helpers.search(given({ index: BOOKS }, { size: 1, sort: ['pages'] })))[0].pages,
  msearch_helper: async () => {
    const searcher = node.helpers.msearch()
    const calls = [1, 2, 3].map((size) => searcher.search({ index: BOOKS }, { size, query: { match_all: {} } }))
    const found = (await Promise.all(calls)).map((one) => one.documents.length)
    searcher.stop()
    return found
  },
  pit: async () => {
    const opened = await taken(node.openPointInTime({ index: BOOKS, keep_alive: '1m' }))
    const body = { size: 200, sort: [{ pages: 'asc' }], pit: { id: opened.id, keep_alive: '1m' } }
    const seen = []
    for (;;) {
      const found = (await taken(node.search(given({}, body)))).hits.hits
      if (!found.length) break
      seen.push(found.length)
      body.search_after = found[found.length - 1].sort
    }
    return [seen, (await taken(node.closePointInTime(given({}, { id: opened.id })))).succeeded]
  },
  document: async () => {
    const document = { pages: 1 }
    const made = await taken(node.index({ index: BOOKS, id: ODD, refresh: true, ...(line === 7 ? { body: document } : { document }) }))
    const read = await taken(node.get({ index: BOOKS, id: ODD }))
    const gone = await taken(node.delete({ index: BOOKS, id: ODD, refresh: true }))
    return [made.result, read._id, read._source, gone.result, await taken(node.exists({ index: BOOKS, id: ODD }))]
  },
  missing_document: () => told(() => node.get({ index: BOOKS, id: 'none' })),
  conflict: async () => {
    const document = { pages: 1 }
    const found = await told(() => node.create({ index: BOOKS, id: '1', ...(line === 7 ? { body: document } : { document }) }))
    return { ...found, reason: found.reason.split(',')[0] }
  },
  missing_index: () => told(() => node.search({ index: 'sg-nothing' })),
  invalid_query: () => told(() => node.search(given({ index: BOOKS }, { query: { nonsense: {} } }))),
  msearch: async () => {
    const lines = [{}, { size: 0, query: { match: { title: 'book' } } }, { index: 'sg-nothing' }, {}]
    const found = await taken(node.msearch({ index: BOOKS, ...(line === 7 ? { body: lines } : { searches: lines }) }))
    return found.responses.map((one) => one.status)
  },
  cat: () => taken(node.cat.indices({ index: BOOKS, h: 'index,pri,docs.count', format: 'json' })),
  large: async () => {
    const document = { note: 'y'.repeat(2_000_000) }
    await node.index({ index: BOOKS, id: 'large', refresh: true, ...(line === 7 ? { body: document } : { document }) })
    return (await taken(node.get({ index: BOOKS, id: 'large' })))._source.note.length
  },
  parallel: async () => {
    const calls = Array.from({ length: 29 }, (_, at) => taken(node.count({ index: BOOKS, q: `pages:<${at + 1}` })))
    return (await Promise.all(calls)).map((found) => found.count)
  },
  bare_security: () => told(() => node.security.authenticate()),
  bare_jobs: () => told(() => node.ml.getDataFrameAnalytics({ id: JOB })),
  ours_bare_start: () => told(() => start(JOB)(node))
}

const onCluster = {
  who: async () => {
    const found = await as('cluster', 'ann', (es) => es.security.authenticate())
    return [found.username, found.roles]
  },
  who_by_key: async () => (await as('cluster', 'key', (es) => es.security.authenticate(), places.api_key)).username,
  cluster_info: async () => {
    const found = await as('cluster', 'ann', (es) => es.info())
    return [found.version.number, await as('cluster', 'ann', (es) => es.ping())]
  },
  wrong_password: () => as('cluster', 'ann', (es) => es.search({ index: 'sg-src-1' }), 'wrong'),
  forbidden: () => as('cluster', 'bob', (es) => es.search({ index: 'sg-src-1' })),
  job_put: async () => {
    await as('cluster', 'elastic', (es) => es.ml.deleteDataFrameAnalytics({ id: JOB }))
    await as('cluster', 'elastic', (es) => es.indices.delete({ index: OUT }))
    const found = await as('cluster', 'ann', (es) => es.ml.putDataFrameAnalytics(given({ id: JOB }, JOB_BODY)))
    return [found.id, found.source.index, found.dest]
  },
  job_start_forbidden: () => as('cluster', 'rita', start(JOB)),
  job_start_wrong_password: () => as('cluster', 'ann', start(JOB), 'wrong'),
  job_start_missing: () => as('cluster', 'ann', start('sg-none')),
  ours_bad_id: () => as('cluster', 'ann', start('Sg None')),
  ours_denied: () => as('cluster', 'bob', start(JOB)),
  ours_no_gate: () => as('gateless', 'ann', start(JOB)),
  job_start: () => as('cluster', 'ann', start(JOB, { timeout: '20s' })),
  job_stats: async () => {
    let found
    for (let at = 0; at < 400; at++) {
      found = (await as('cluster', 'ann', (es) => es.ml.getDataFrameAnalyticsStats({ id: JOB }))).data_frame_analytics[0]
      if (found.state === 'stopped' || found.state === 'failed') break
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    return [found.state, (await as('cluster', 'ann', (es) => es.count({ index: OUT }))).count]
  },
  job_start_again: () => as('cluster', 'ann', start(JOB)),
  job_start_conflict: async () => {
    const body = { ...JOB_BODY, source: { index: ['sg-src-1', 'sg-other'] }, dest: { index: 'sg-out-mixed' } }
    await as('cluster', 'ann', (es) => es.ml.putDataFrameAnalytics(given({ id: 'sg-mixed' }, body)))
    const found = await as('cluster', 'ann', start('sg-mixed'))
    await as('cluster', 'ann', (es) => es.ml.deleteDataFrameAnalytics({ id: 'sg-mixed' }))
    return found
  },
  job_stop: () => as('cluster', 'ann', (es) => es.ml.stopDataFrameAnalytics({ id: JOB })),
  job_delete: () => as('cluster', 'ann', (es) => es.ml.deleteDataFrameAnalytics({ id: JOB })),
  job_start_challenge: async () => (await headersOfStart(JOB, 'wrong'))['www-authenticate'],
  ours_receipt: async () => (await headersOfStart('sg-none'))['x-startgate-receipt'].length
}

main(async () => {
  await suite('elasticsearch-js', { ...onNode, ...onCluster })
  await node.close()
})
