'use strict'
// What the scripts for the JavaScript client share. `CLIENT_FOLDER` holds the client's own packages, `SUITE` says where
// to talk to. Lines 7 and later differ in how bodies are given and taken; that difference is here, and nowhere else.

const path = require('path')

const folder = path.join(process.env.CLIENT_FOLDER, 'node_modules', '@elastic')
const elasticsearch = require(path.join(folder, 'elasticsearch'))
const transport = require(path.join(path.dirname(folder), '@elastic', 'elasticsearch', 'package.json')).version
const places = JSON.parse(process.env.SUITE)
const line = Number(transport.split('.')[0])

// The parameters of a call with its body: apart in 7, together since.
const given = (parameters, body) => (line === 7 ? { ...parameters, body } : { ...parameters, ...body })
// The body of an answer: wrapped in 7, itself since.
const taken = async (call) => {
  const found = await call
  return line === 7 ? found.body : found
}

// What a call gives, or how the client tells of its failure.
const told = async (call) => {
  try {
    return await taken(call())
  } catch (fault) {
    if (!fault.meta || !fault.meta.statusCode) throw fault
    const body = fault.meta.body || {}
    const error = body.error === undefined ? body : body.error
    const plain = typeof error === 'string'
    return {
      raised: fault.name,
      status: fault.statusCode || fault.meta.statusCode,
      type: plain ? null : error.type || null,
      reason: plain ? error : error.reason || null
    }
  }
}

// A suite: named checks in order, then one line of JSON. What is Startgate's own has no counterpart directly.
const suite = async (name, checks) => {
  const found = {}
  for (const [title, check] of Object.entries(checks)) {
    if (title.startsWith('ours_') && !places.gateless) continue
    found[title] = await check()
  }
  console.log(JSON.stringify({ client: `${name} ${transport}`, checks: found }))
}

// What a script cannot go on after ends it, with its trace.
const main = (run) => run().catch((fault) => {
  console.error(fault, JSON.stringify(fault.meta && fault.meta.body))
  process.exitCode = 1
})

module.exports = { elasticsearch, places, line, given, taken, told, suite, main }
