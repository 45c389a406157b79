// The steps of four-validators.zndsl, which run one after the other in zombienet's process and share what they know.
//
// All of them look at final blocks; the load goes on beneath them. A step that fails ends those after it at once.
// `zombie` is what zombienet gives to scripts: polkadot-js.
const fs = require('node:fs')
const path = require('node:path')
const { asy, balances, Books } = require('./books.js')
const { agree, cut, freePort, join, Load, Node, PATIENCE, presentCode, Processes, until } = require('./network.js')

/** Where each worker's node is. Nobody's is dave, who is killed. */
const SOLVERS = { bob: 'alice', charlie: 'bob', dave: 'charlie' }
const VERIFIERS = { eve: 'alice', ferdie: 'bob' }
/** The well-known accounts of whoever lies and of the gateway. */
const LIAR = 'one'
const GATEWAY = 'two'
/** What each worker bonds, in ASY. */
const BOND = '200'
/** Questions that are under way at the same time. */
const LANES = 4

const state = { told: [] }

const alive = () => [...state.nodes.values()].filter(({ name }) => name !== state.killed)
const address = (name) => state.keys.addFromUri(`//${name[0].toUpperCase()}${name.slice(1)}`).address

/** Waits until the books of final blocks have something. */
const entered = (what, seconds, found) => until(what, seconds, async () => {
  if (state.broken) throw state.broken
  return found(state.books)
})

/** Waits until so many more tasks are settled. */
const settle = async (more, seconds) => {
  const target = state.books.settled() + more
  await entered(`${target} tasks are settled`, seconds, (books) => books.settled() >= target)
  return target
}

/** What the liar lost, in units of ASY. Throws if it was paid, a lie did not fall or somebody else was contested. */
const lies = () => {
  const liar = address(LIAR)
  let sum = 0n
  for (const [task, { solver, contester, verdict, lost }] of state.books.disputes) {
    if (solver !== liar) throw new Error(`${contester} contested what ${solver} solved: ${task}`)
    if (verdict !== 'Falls') throw new Error(`the verdict on a lie was ${verdict}: ${task}`)
    if (state.books.tasks.get(task).end !== 'Refunded') throw new Error(`the user was not refunded: ${task}`)
    sum += lost
  }
  const paid = [...state.books.tasks].find(([, { solver }]) => solver === liar)
  if (paid) throw new Error(`the liar was paid for ${paid[0]}`)
  return sum
}

/** Enters final blocks into the books as they come. */
const follow = async (api, books) => {
  let target = 0
  let entering
  const enter = async () => {
    while (books.height < target) {
      const at = await api.at(await api.rpc.chain.getBlockHash(books.height + 1))
      books.enter(books.height + 1, await at.query.system.events())
    }
  }
  const end = await api.rpc.chain.subscribeFinalizedHeads((head) => {
    target = head.number.toNumber()
    entering ??= enter().catch((error) => (state.broken = error)).finally(() => (entering = undefined))
  })
  return async () => {
    end()
    await entering
  }
}

const work = (name, binary, command, node, ...more) => state.processes.start(name, binary, [
  ...command, '--url', state.nodes.get(node).ws, '--dev-key', name, '--data', path.join(state.folder, `data-${name}`),
  '--models', process.env.ASSAY_TEXT_MODEL_DIR, '--peers-listen', 'off', ...more,
])
const serve = (name, node, command, binary = 'assay-worker') =>
  work(name, binary, command, node, '--bond', BOND, '--metrics-addr', 'off')

const steps = {
  /** The validators find each other, workers bond, and the gateway can ask. */
  async start(_, network) {
    state.folder = process.env.ASSAY_NETWORK
    state.spec = network.chainSpecPath
    state.nodes = new Map(network.relay.map(({ name, wsUri }) => [name, new Node(name, wsUri)]))
    state.processes = new Processes(state.folder)
    await join(alive())
    await agree(alive(), 2, 90)
    state.api = await zombie.connect(state.nodes.get('alice').ws)
    state.keys = new zombie.Keyring({ type: 'sr25519' })
    state.books = new Books()
    await state.books.open(await state.api.at(state.api.genesisHash))
    state.stop = await follow(state.api, state.books)

    for (const [name, node] of Object.entries(SOLVERS)) serve(name, node, ['solve'])
    for (const [name, node] of Object.entries(VERIFIERS)) serve(name, node, ['verify-loop'])
    const port = await freePort()
    work(GATEWAY, 'assay-worker', ['gateway'], 'alice', '--listen', `127.0.0.1:${port}`, '--timeout', String(PATIENCE))
    const workers = [...Object.keys(SOLVERS), ...Object.keys(VERIFIERS)].map(address)
    await entered('the bonds are mature', 200, ({ height, mature }) =>
      workers.every((who) => mature.has(who) && mature.get(who) <= height))
    const url = `http://127.0.0.1:${port}`
    const models = async () => (await fetch(`${url}/v1/models`, { signal: AbortSignal.timeout(5_000) })).json()
    await until('the gateway has a model', 30, async () => (await models()).data.length > 0)
    state.load = new Load(url, process.env.ASSAY_TEXT_MODEL_NAME)
    return `runtime ${await state.nodes.get('alice').version()}, ${workers.length} workers with mature bonds, a gateway`
  },

  /** Tasks settle under load. */
  async load() {
    state.load.start(LANES)
    return `${await settle(10, 200)} tasks are settled, ${LANES} at a time`
  },

  /** A solver that lies is contested, loses its stake and earns nothing; then it goes, and its disputes end. */
  async slash() {
    serve(LIAR, 'alice', ['wrong-token', 'solve', '--verify', 'none'], 'assay-faulty-worker')
    await entered('a lie falls', 400, ({ disputes }) =>
      [...disputes.values()].some(({ verdict }) => verdict === 'Falls'))
    await state.processes.stop(LIAR)
    await entered('every dispute has ended', 180, (books) => books.disputesAreClosed())
    const lost = lies()
    if (lost === 0n) throw new Error('the liar lost nothing')
    return `${state.books.disputes.size} of its solutions fell, and it lost ${asy(lost)}`
  },

  /** A validator that was away has what the others have, and tasks settle. */
  async back() {
    await join(alive())
    const height = await agree(alive(), 3, 100)
    return `final block ${height} is the same at all, ${await settle(2, 60)} tasks are settled`
  },

  /** Three of four go on without the one that says nothing. */
  async silent(name) {
    const height = await agree(alive().filter((node) => node.name !== name), 5, 100)
    const answers = await state.nodes.get(name).rpc('system_health').then(() => true, () => false)
    if (answers) throw new Error(`${name} answers`)
    return `the others made block ${height} final without ${name}`
  },

  /** The present runtime comes under the load. */
  async upgrade() {
    const old = await state.nodes.get('alice').version()
    const { sudo, system } = state.api.tx
    let sent
    const told = ({ status, dispatchError, isError }) => {
      if (isError || dispatchError) sent = { error: dispatchError ?? status }
      if (status.isFinalized) sent ??= {}
    }
    await sudo.sudo(system.setCode(presentCode())).signAndSend(state.keys.addFromUri('//Alice'), told)
    await until('the upgrade is final', 90, async () => sent)
    if (sent.error) throw new Error(`the chain refused the upgrade: ${sent.error}`)
    await until('every node has the present runtime', 30, async () => {
      const versions = await Promise.all(alive().map((node) => node.version()))
      return versions.every((version) => version > old)
    })
    const settled = await settle(5, 90)
    return `runtime ${old} became ${await state.nodes.get('alice').version()}, ${settled} tasks are settled`
  },

  /** Two and two: each side makes blocks, neither makes any final. */
  async split() {
    const all = alive()
    const sides = [all.slice(0, 2), all.slice(2)]
    const heights = () => Promise.all(all.map((node) => node.height()))
    const grow = async (blocks) => {
      const from = await heights()
      await until(`${blocks} more blocks on either side`, 100, async () =>
        (await heights()).every((height, index) => height >= from[index] + blocks))
    }
    const finals = () => Promise.all(all.map((node) => node.finalised()))
    await cut(sides)
    // Votes that were there before may still make a block final.
    await grow(2)
    const before = await finals()
    await grow(5)
    const after = await finals()
    if (String(before) !== String(after)) throw new Error(`finality went from ${before} to ${after} with two of four`)
    const height = Math.min(...await heights())
    const tips = await Promise.all(sides.map(([node]) => node.rpc('chain_getBlockHash', height)))
    if (tips[0] === tips[1]) throw new Error(`both sides have the same block ${height}`)
    state.fork = { height, final: Math.max(...after), tips }
    return `two blocks of height ${height}, final at ${after}, and it stayed so`
  },

  /** Together again, they agree on one fork and finality goes on. */
  async heal() {
    const { height, final, tips } = state.fork
    await join(alive())
    const agreed = await agree(alive(), height - final + 3, 150)
    const won = tips.indexOf(await state.nodes.get('alice').rpc('chain_getBlockHash', height))
    if (won < 0) throw new Error(`block ${height} is of neither side`)
    return `final block ${agreed} is the same at all, of side ${won + 1}, ${await settle(5, 90)} tasks are settled`
  },

  /** A validator is gone for good. */
  async kill(name) {
    process.kill(state.nodes.get(name).pid(state.folder), 'SIGKILL')
    state.killed = name
    return `${name} is gone`
  },

  /** A node that was never there gets the state of the last final block, proven, and goes on from there. */
  async join() {
    const [rpc, port] = [await freePort(), await freePort()]
    state.processes.start('late', 'assay-node', ['--chain', state.spec, '--base-path', path.join(state.folder, 'late'),
      '--sync', 'warp', '--rpc-port', rpc, '--rpc-methods', 'unsafe', '--listen-addr', `/ip4/127.0.0.1/tcp/${port}/ws`,
      '--no-mdns', '--no-telemetry', '--no-prometheus', '--name', 'late', '-lwarn,sync=info'].map(String))
    const late = new Node('late', `ws://127.0.0.1:${rpc}`)
    await until('the late node answers', 60, () => late.rpc('system_health'))
    await join([...alive(), late])
    const height = await agree([...alive(), late], 2, 150)
    const log = fs.readFileSync(state.processes.log('late'), 'utf8')
    for (const line of ['Warp sync is complete', 'State sync is complete']) {
      if (!log.includes(line)) throw new Error(`the late node never said '${line}'`)
    }
    state.late = late
    return `final block ${height} is the same at the late node, which synced by warp`
  },

  /** The load ends; every task and every dispute does, and workers stop well. */
  async end() {
    await state.load.stop()
    const { tasks, refused } = state.load
    await entered('every task has ended', 300, (books) => books.areClosed())
    lies()
    for (const name of [GATEWAY, ...Object.keys(SOLVERS), ...Object.keys(VERIFIERS)]) await state.processes.stop(name)
    const unknown = tasks.find((task) => !state.books.tasks.has(task))
    if (unknown) throw new Error(`the gateway answered with task ${unknown}, which no final block has`)
    if (refused.length > 0) throw new Error(`${refused.length} questions were refused, as in: ${refused[0]}`)
    const best = await state.nodes.get('alice').height()
    await entered('what workers did last is final', 60, ({ height }) => height >= best)
    return `${tasks.length} questions were answered, none was refused`
  },

  /** Every balance is accounted for, and the late node has the same. */
  async books() {
    await state.stop()
    const { api, books, late } = state
    const hash = await api.rpc.chain.getBlockHash(books.height)
    const at = await api.at(hash)
    const { accounts, opening, minted, burned, issuance } = await books.check(at)
    const other = await zombie.connect(late.ws)
    const [ours, theirs] = [await balances(at), await balances(await other.at(hash))]
    await other.disconnect()
    if (String([...ours]) !== String([...theirs])) throw new Error('the late node has other balances')
    await state.processes.stop('late')
    await api.disconnect()
    const ends = Object.entries(books.ends()).map(([end, count]) => `${count} ${end.toLowerCase()}`).join(', ')
    state.told.push(['tasks', ends], ['fees of transactions', asy(books.sums.fees)],
      ['issuance', `${asy(opening)} + minted ${asy(minted)} - burned ${asy(burned)} = ${asy(issuance)}`])
    return `after final block ${books.height} each of ${accounts} accounts has what events say, to the last unit`
  },
}

/** Called by zombienet: runs the step that the test names. */
exports.run = async (node, network, [name]) => {
  if (state.failed) throw new Error(`not tried, because '${state.failed}' failed`)
  const begin = Date.now()
  try {
    const told = await steps[name](node, network)
    state.told.push([`${name} (${Math.round((Date.now() - begin) / 1000)} s)`, told])
    console.log(`\n${name}: ${told}\n`)
  } catch (error) {
    state.failed = name
    throw error
  }
  if (name === 'books') {
    console.log('\nSummary')
    for (const [what, told] of state.told) console.log(`  ${what.padEnd(22)}${told}`)
  }
}
