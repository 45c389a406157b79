// The nodes, the workers and the load of the network, and how to wait for what they do.
const { execFileSync, spawn } = require('node:child_process')
const { once } = require('node:events')
const fs = require('node:fs')
const net = require('node:net')
const path = require('node:path')
const { setTimeout: sleep } = require('node:timers/promises')

/** Longest wait for the answer to one request to a node, in milliseconds. */
const REQUEST = 5_000
/** Longest time that a process may take to end well, in milliseconds. */
const GRACE = 60_000
/** Longest wait for an answer of the gateway, in seconds. */
const PATIENCE = 240
/** Most questions of one lane of the load. */
const QUESTIONS = 400

/**
 * Looks twice a second whether something has come about.
 * @param {string} what what is waited for, for the error
 * @param {number} seconds how long at most
 * @param {() => Promise<T>} probe says whether it has; one that throws says that it has not
 * @returns {Promise<T>} what the probe has found
 * @throws if the time is over; the error has what the last probe said
 * @template T
 */
const until = async (what, seconds, probe) => {
  const end = Date.now() + seconds * 1000
  let last
  do {
    try {
      const found = await probe()
      if (found) return found
      last = 'no'
    } catch (error) {
      last = error.message
    }
    await sleep(500)
  } while (Date.now() < end)
  throw new Error(`never came within ${seconds} s: ${what} (last: ${last})`)
}

/** A port of this machine on which nothing listens. */
const freePort = async () => {
  const server = net.createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  server.close()
  await once(server, 'close')
  return port
}

/** A node, by its name and the address of its JSON-RPC. */
class Node {
  constructor(name, ws) {
    Object.assign(this, { name, ws, http: ws.replace(/^ws/, 'http') })
  }

  /** One call. Throws if the node does not answer in time or refuses. */
  async rpc(method, ...params) {
    const body = JSON.stringify({ id: 1, jsonrpc: '2.0', method, params })
    const headers = { 'Content-Type': 'application/json' }
    const signal = AbortSignal.timeout(REQUEST)
    const { error, result } = await (await fetch(this.http, { method: 'POST', headers, body, signal })).json()
    if (error) throw new Error(`${this.name} refuses ${method}: ${error.message}`)
    return result
  }

  /** The height of a block: the best one, where none is named. */
  async height(...hash) {
    return parseInt((await this.rpc('chain_getHeader', ...hash)).number, 16)
  }

  /** The height of the last final block. */
  async finalised() {
    return this.height(await this.rpc('chain_getFinalizedHead'))
  }

  /** The version of the runtime after the last final block. */
  async version() {
    return (await this.rpc('state_getRuntimeVersion', await this.rpc('chain_getFinalizedHead'))).specVersion
  }

  /** The process that zombienet runs this node in: the kernel has its command line. */
  pid(folder) {
    const isMine = (pid) => {
      try {
        const [command, ...args] = fs.readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
        const names = args.includes(this.name) && args.some((arg) => arg.startsWith(folder))
        return names && path.basename(command) === 'assay-node'
      } catch {
        // It has ended meanwhile.
        return false
      }
    }
    const found = fs.readdirSync('/proc').filter((entry) => /^\d+$/.test(entry) && isMine(entry))
    if (found.length !== 1) throw new Error(`${found.length} processes run ${this.name}`)
    return Number(found[0])
  }
}

/** Has these nodes, which talk to reserved peers alone, talk to each other. */
const join = async (nodes) => {
  const addresses = await Promise.all(nodes.map(async (node) => {
    // One that has just been started does not answer at once.
    const local = await until(`${node.name} answers`, 90, async () => (await node.rpc('system_localListenAddresses'))[0])
    return { node, local }
  }))
  for (const { node: from } of addresses) {
    for (const { node: to, local } of addresses) {
      if (from !== to) await from.rpc('system_addReservedPeer', local)
    }
  }
  await until(`${nodes.map(({ name }) => name)} talk to each other`, 90, async () => {
    const health = await Promise.all(nodes.map((node) => node.rpc('system_health')))
    return health.every(({ peers }) => peers >= nodes.length - 1)
  })
}

/** Has no node of one side talk to one of the other; returns once none does. */
const cut = async (sides) => {
  for (const [from, to] of [sides, [...sides].reverse()]) {
    for (const peer of await Promise.all(to.map((node) => node.rpc('system_localPeerId')))) {
      for (const node of from) await node.rpc('system_removeReservedPeer', peer)
    }
  }
  await until('the sides are apart', 30, async () => {
    for (const side of sides) {
      for (const node of side) {
        if ((await node.rpc('system_health')).peers !== side.length - 1) return false
      }
    }
    return true
  })
}

/**
 * Waits until the last final blocks of all these nodes are `growth` above the highest one now, and that block is the
 * same at all.
 * @returns its height
 */
const agree = async (nodes, growth, seconds) => {
  const heights = await Promise.all(nodes.map((node) => node.finalised()))
  const target = Math.max(...heights) + growth
  await until(`final block ${target} at ${nodes.map(({ name }) => name)}`, seconds, async () => {
    const now = await Promise.all(nodes.map((node) => node.finalised()))
    return now.every((height) => height >= target)
  })
  const hashes = await Promise.all(nodes.map((node) => node.rpc('chain_getBlockHash', target)))
  if (new Set(hashes).size !== 1) throw new Error(`final block ${target} differs: ${hashes}`)
  return target
}

/** Processes beside zombienet's, each with its log in the network's folder. They are in its group, and end with it. */
class Processes {
  constructor(folder) {
    this.folder = folder
    this.running = new Map()
  }

  log(name) {
    return path.join(this.folder, `${name}.log`)
  }

  start(name, command, args) {
    const log = fs.openSync(this.log(name), 'a')
    const child = spawn(command, args, { stdio: ['ignore', log, log] })
    fs.closeSync(log)
    const ended = new Promise((resolve) => {
      child.once('error', (error) => resolve(error.message))
      child.once('exit', (code, signal) => resolve(signal ?? code))
    })
    this.running.set(name, { child, ended })
  }

  /** Stops one as an operator does. Throws if it had ended before, or does not end well in time. */
  async stop(name) {
    const { child, ended } = this.running.get(name)
    this.running.delete(name)
    if (child.exitCode !== null || child.signalCode !== null) throw new Error(`${name} ended by itself: ${await ended}`)
    child.kill('SIGTERM')
    const status = await Promise.race([ended, sleep(GRACE, 'never', { ref: false })])
    if (status !== 0) throw new Error(`${name} did not stop well: ${status}`)
  }
}

/** Questions to a gateway, one after the other in each of some lanes. */
class Load {
  constructor(url, model) {
    Object.assign(this, { url, model, tasks: [], refused: [], going: true })
  }

  start(lanes) {
    this.lanes = Array.from({ length: lanes }, (_, lane) => this.#ask(lane))
  }

  async #ask(lane) {
    for (let turn = 0; this.going && turn < QUESTIONS; turn++) {
      try {
        this.tasks.push(await this.#answer(`Question ${turn} of ${lane}: `))
      } catch (error) {
        this.refused.push(error.message)
        // As a client that was refused waits.
        await sleep(1000)
      }
    }
  }

  /** The task by which a question was answered. Throws if it was not. */
  async #answer(prompt) {
    const body = JSON.stringify({ model: this.model, prompt, max_tokens: 8 })
    const headers = { 'Content-Type': 'application/json' }
    const signal = AbortSignal.timeout((PATIENCE + 10) * 1000)
    const reply = await fetch(`${this.url}/v1/completions`, { method: 'POST', headers, body, signal })
    const { assay, error } = await reply.json()
    if (!reply.ok) throw new Error(`${reply.status} ${error.code}: ${error.message}`)
    return assay.task
  }

  /** Asks no more, and waits for the answers to what was asked. */
  async stop() {
    this.going = false
    await Promise.all(this.lanes)
  }
}

/** The code of the present runtime, of which the node has a copy. */
const presentCode = () => {
  const options = { maxBuffer: 64 * 1024 * 1024, stdio: ['ignore', 'pipe', 'ignore'] }
  return JSON.parse(execFileSync('assay-node', ['export-chain-spec', '--chain', 'local'], options))
    .genesis.runtimeGenesis.code
}

module.exports = { agree, cut, freePort, join, Load, Node, PATIENCE, presentCode, Processes, until }
