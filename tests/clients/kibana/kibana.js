'use strict'
// What Kibana sends, as its own client sends it: the JavaScript client of its line with the settings of its server.
// Named are the files of Kibana's sources that say so, by their class or last name.
//
// - `client_config.ts`, with the defaults of `elasticsearch_config.ts`: no sniffing, 30 s, no compression, prototype
//   poisoning allowed, `x-elastic-product-origin: kibana` on every request, from 8 on `user-agent: Kibana/…`
//   (`headers.ts`).
// - `agent_manager.ts` (8 and later): one agent that keeps connections alive, 800 at most; in 7 without a bound.
//   `configure_client.ts`: HttpConnection and ClusterConnectionPool.
// - Its internal user is a service account's token (`elasticsearch.serviceAccountToken`).
// - A user's own request carries that user's `authorization`; machine learning is asked as the internal user, with the
//   user in `es-secondary-authorization` where a job is made (`getAuthorizationHeader`), and without where it is started
//   (`data_frame_analytics.ts` of the plugin ml).
// - Before 8.1 Elasticsearch tells nobody who owns a job, so that Startgate refuses such a start (`ours_no_owner`). What
//   is compared there is one that names the user.
// - `x-opaque-id` names the request and what in Kibana made it (`execution_context`).
// - The like of saved objects: one index behind an alias, bulks with `refresh: wait_for` and sequence numbers, searches with
//   `rest_total_hits_as_int` that ignore 404, exports by a point in time.

const { Agent } = require('http')
const { elasticsearch, places, line, given, taken, told, suite, main } = require('../javascript/common')

const INDEX = 'sg-kibana_1'
const ALIAS = 'sg-kibana'
const JOB = 'sg-kibana-job'
const OUT = 'sg-out-kibana'
const ANALYTICS = { id: JOB }

// One agent for all, as Kibana's AgentManager has one for each node.
const agent = line === 7
  ? new Agent({ keepAlive: true, maxSockets: Infinity })
  : new Agent({ keepAlive: true, keepAliveMsecs: 50000, maxSockets: 256, maxTotalSockets: 800, maxFreeSockets: 256, timeout: 60000, scheduling: 'lifo' })
const connect = (place, authorization) => new elasticsearch.Client({
  node: places[place],
  agent: () => agent,
  ...(line === 7 ? {} : { Connection: elasticsearch.HttpConnection, ConnectionPool: elasticsearch.ClusterConnectionPool }),
  sniffOnStart: false,
  sniffInterval: false,
  sniffOnConnectionFault: false,
  requestTimeout: 30000,
  compression: false,
  disablePrototypePoisoningProtection: true,
  headers: {
    ...(line === 7 ? {} : { 'user-agent': `Kibana/${line}.0.0` }),
    'x-elastic-product-origin': 'kibana',
    ...(authorization ? { authorization } : {})
  }
})

const basic = (who) => 'Basic ' + Buffer.from(`${who}:${places[who]}`).toString('base64')
const opaque = (what) => ({ opaqueId: `0a1b2c3d-unittest;kibana:application:${what}:overview` })
const asSecondary = (who) => ({ headers: { 'es-secondary-authorization': basic(who) } })

const node = connect('node')
const internal = connect('cluster', `Bearer ${places.kibana_token}`)
const ann = connect('cluster', basic('ann'))
const put = (destination, sources) => given({ id: JOB }, {
  source: { index: sources },
  dest: { index: destination, results_field: 'ml' },
  analysis: { outlier_detection: {} },
  model_memory_limit: '10mb',
  description: 'Made in Kibana'
})
const operations = (lines) => (line === 7 ? { body: lines } : { operations: lines })
// How the user is named at a start where the cluster does not tell who owns the job.
const asOwner = () => (line === 7 ? asSecondary('ann') : {})
const start = (client, options) => told(() => client.ml.startDataFrameAnalytics(ANALYTICS, options))
const stats = async (client) => (await taken(client.ml.getDataFrameAnalyticsStats(ANALYTICS))).data_frame_analytics[0]
// Until the job stands still.
const ended = async () => {
  let found = await stats(internal)
  for (let at = 0; at < 400 && found.state !== 'stopped' && found.state !== 'failed'; at++) {
    await new Promise((resolve) => setTimeout(resolve, 50))
    found = await stats(internal)
  }
  return [found.state, (await taken(ann.count({ index: OUT }))).count]
}

const savedObjects = {
  compatibility: async () => {
    const found = await taken(node.nodes.info({ filter_path: 'nodes.*.version,nodes.*.http.max_content_length_in_bytes' }, opaque('status')))
    return Object.values(found.nodes)
  },
  migration: async () => {
    await node.indices.delete({ index: INDEX, ignore_unavailable: true })
    return told(() => node.indices.create(given({ index: INDEX, wait_for_active_shards: 'all', timeout: '60s' }, {
      aliases: { [ALIAS]: {} },
      settings: { number_of_shards: 1, auto_expand_replicas: '0-1', refresh_interval: '1s', 'mapping.total_fields.limit': 1500 },
      mappings: {
        dynamic: 'strict',
        properties: { type: { type: 'keyword' }, updated_at: { type: 'date' }, dashboard: { dynamic: false, properties: { title: { type: 'text' } } } }
      }
    }), opaque('migrations')))
  },
  create_objects: async () => {
    const lines = Array.from({ length: 30 }, (_, at) => [
      { create: { _id: `dashboard:${at}`, _index: ALIAS } },
      { type: 'dashboard', updated_at: '2026-01-01T00:00:00.000Z', dashboard: { title: `Dashboard ${at}` } }
    ]).flat()
    const found = await taken(node.bulk({ refresh: 'wait_for', require_alias: true, ...operations(lines) }, opaque('savedObjects')))
    return [found.errors, found.items.length, found.items[29].create._seq_no]
  },
  conflict: async () => {
    const document = { type: 'dashboard' }
    const found = await told(() => node.create({ index: ALIAS, id: 'dashboard:1', refresh: 'wait_for', ...(line === 7 ? { body: document } : { document }) }))
    return [found.status, found.type]
  },
  update: async () => {
    const held = await taken(node.get({ index: ALIAS, id: 'dashboard:3' }))
    const place = { if_seq_no: held._seq_no, if_primary_term: held._primary_term }
    const found = await taken(node.update(given({ index: ALIAS, id: 'dashboard:3', ...place, refresh: 'wait_for' }, { doc: { dashboard: { title: 'Changed' } } })))
    return [found.result, found._version]
  },
  find: async () => {
    const found = await told(() => node.search(
      given({ index: ALIAS, rest_total_hits_as_int: true }, {
        size: 20,
        from: 0,
        seq_no_primary_term: true,
        query: { bool: { filter: [{ bool: { should: [{ term: { type: 'dashboard' } }], minimum_should_match: 1 } }] } },
        sort: [{ updated_at: { order: 'desc' } }, { _doc: { order: 'asc' } }]
      }),
      { ignore: [404], maxRetries: 0, ...opaque('discover') }
    ))
    return [found.hits.total, found.hits.hits.length, found.hits.hits[0]._seq_no]
  },
  find_nothing: async () => {
    const found = await taken(node.search({ index: 'sg-kibana_none' }, { ignore: [404] }))
    return [found.status, found.error.type]
  },
  export_objects: async () => {
    const opened = await taken(node.openPointInTime({ index: ALIAS, keep_alive: '5m' }, { ignore: [404] }))
    const body = { size: 12, pit: { id: opened.id, keep_alive: '5m' }, sort: [{ _shard_doc: 'asc' }], track_total_hits: true }
    const seen = []
    for (;;) {
      const hits = (await taken(node.search(given({}, body)))).hits.hits
      if (!hits.length) break
      seen.push(hits.length)
      body.search_after = hits[hits.length - 1].sort
    }
    return [seen, (await taken(node.closePointInTime(given({}, { id: opened.id })))).succeeded]
  },
  kept_alive: async () => {
    for (let at = 0; at < 20; at++) await taken(node.count({ index: ALIAS }))
    return Object.values(agent.freeSockets).flat().length > 0
  }
}

const machineLearning = {
  authenticate: async () => {
    const found = await taken(ann.security.authenticate())
    return [found.username, found.roles, found.authentication_type]
  },
  internal_user: async () => (await taken(internal.security.authenticate())).username,
  privileges: async () => (await taken(ann.security.hasPrivileges(given({}, { cluster: ['manage_ml', 'monitor_ml'] })))).cluster,
  put: async () => {
    await told(() => internal.ml.deleteDataFrameAnalytics(ANALYTICS))
    await told(() => ann.indices.delete({ index: OUT }))
    const found = await told(() => internal.ml.putDataFrameAnalytics(put(OUT, ['sg-src-1', 'sg-src-2']), { ...asSecondary('ann'), ...opaque('ml') }))
    return [found.id, found.authorization, found.source && found.source.index]
  },
  stats_before: async () => (await stats(internal)).state,
  ...(line === 7 ? { ours_no_owner: () => start(internal, opaque('ml')) } : {}),
  start: () => start(internal, { ...asOwner(), ...opaque('ml') }),
  ended,
  stop: () => told(() => internal.ml.stopDataFrameAnalytics({ ...ANALYTICS, force: false }, opaque('ml'))),
  start_again: () => start(internal, asOwner()),
  wrong_token: () => start(connect('cluster', 'Bearer AAEAAWVsYXN0aWMva2liYW5hL3g6eA')),
  delete: () => told(() => internal.ml.deleteDataFrameAnalytics(ANALYTICS)),
  // A job of somebody who may not read the sources: the cluster lets it start, Startgate does not.
  ours_denied: async () => {
    await told(() => internal.ml.putDataFrameAnalytics(put('sg-out-bob', ['sg-src-1']), asSecondary('elastic')))
    const found = await start(internal, asSecondary('bob'))
    await told(() => internal.ml.deleteDataFrameAnalytics(ANALYTICS))
    return found
  }
}

main(async () => {
  await suite('kibana: elasticsearch-js', { ...savedObjects, ...machineLearning })
  for (const client of [node, internal, ann]) await client.close()
  agent.destroy()
})
