// The books of the network: what the events of final blocks say that everybody gained and lost, and whether that is
// what everybody has.

/** The account of a pot of the runtime. */
const pot = (name) => zombie.util.encodeAddress(Buffer.concat([Buffer.from(`modlassay/${name}`), Buffer.alloc(20)]))

/** A number of a block, an amount in units of ASY. */
const number = (value) => BigInt(value.toString())

/** An amount as people read it. */
const asy = (units) => `${units < 0n ? '-' : ''}${String((units < 0n ? -units : units) / 10n ** 12n)}.` +
  `${String((units < 0n ? -units : units) % 10n ** 12n).padStart(12, '0').replace(/0+$/, '') || '0'} ASY`

class Books {
  /** What accounts gained and lost, by address. */
  changes = new Map()
  /** Tasks, by id: who asked, and how it ended. */
  tasks = new Map()
  /** Disputes, by task: the parties, and how it ended. */
  disputes = new Map()
  /** First blocks in which bonds are mature, by solver. */
  mature = new Map()
  /** How much was minted and burned, as events say. */
  sums = { authors: 0n, work: 0n, burned: 0n, fees: 0n }
  /** The last block that is in the books. */
  height = 0

  /** Opens the books with what everybody has in the state after genesis. */
  async open(genesis) {
    this.pots = Object.fromEntries(['tr', 'lq', 'va', 'bo'].map((name) => [name, pot(name)]))
    this.opening = { balances: await balances(genesis), issuance: number(await genesis.query.balances.totalIssuance()) }
    const models = await genesis.query.models.models.entries()
    this.recipients = new Map(models.map(([key, model]) => [key.args[0].toHex(), String(model.unwrap().recipient)]))
  }

  #move(from, to, amount) {
    if (from) this.changes.set(String(from), (this.changes.get(String(from)) ?? 0n) - amount)
    if (to) this.changes.set(String(to), (this.changes.get(String(to)) ?? 0n) + amount)
  }

  /** Enters a block. @param records the events of the block, as the runtime that made it encodes them */
  enter(height, records) {
    const events = records.map(({ event }) => ({ name: `${event.section}.${event.method}`, data: event.data }))
    const author = events.find(({ name }) => name === 'emissions.AuthorPaid')?.data.author
    for (const { name, data } of events) this.#event(name, data, author)
    this.height = height
  }

  #event(name, data, author) {
    const { tr, lq, va, bo } = this.pots
    const amount = (field) => number(data[field])
    switch (name) {
      case 'emissions.AuthorPaid':
        this.#move(null, author, amount('amount'))
        this.sums.authors += amount('amount')
        break
      case 'transactionPayment.TransactionFeePaid': {
        const paid = amount('actualFee') + amount('tip')
        this.#move(data.who, author, paid)
        this.sums.fees += paid
        break
      }
      case 'bonds.Bonded':
      case 'bonds.BondedMore':
        this.mature.set(String(data.solver), Number(data.maturesAt))
        break
      case 'tasks.Submitted':
        this.tasks.set(data.task.toHex(), { user: String(data.submitter), model: data.model.toHex(), end: null })
        break
      case 'tasks.Settled':
        this.#settle(data)
        break
      case 'tasks.Refunded':
      case 'tasks.Expired':
        this.tasks.get(data.task.toHex()).end = name.split('.')[1]
        break
      case 'emissions.Minted':
        for (const part of data.split.values()) this.sums.work += number(part)
        break
      case 'balances.Transfer':
        // How much each of the committee is paid is nowhere else.
        if (String(data.from) === va) this.#move(va, data.to, amount('amount'))
        break
      case 'solutions.CommitmentForfeited':
        this.#move(data.solver, tr, amount('deposit'))
        break
      // What a ballot has at stake is the treasury's unless it is pulled.
      case 'contestation.Voted':
        this.#move(data.voter, tr, amount('stake'))
        break
      case 'contestation.Pulled':
        this.#move(tr, data.voter, amount('stake') + amount('reward'))
        break
      case 'contestation.AbsentCharged':
        this.#move(data.member, tr, amount('amount'))
        break
      case 'contestation.Contested':
        this.disputes.set(data.task.toHex(), { solver: String(data.solver), contester: String(data.contester) })
        break
      case 'contestation.Resolved':
        this.#resolve(data)
        break
      case 'contestation.Closed':
        this.disputes.get(data.task.toHex()).closed = true
        break
      case 'emissions.Burned':
      case 'tasks.Burned':
      case 'solutions.Burned':
      case 'bonds.Burned':
        this.sums.burned += amount('amount')
        break
      default:
    }
  }

  #settle({ task: id, solver, settlement: { fee, reward } }) {
    const { tr, lq, va, bo } = this.pots
    const task = this.tasks.get(id.toHex())
    const fees = [[this.recipients.get(task.model), fee.model], [tr, fee.treasury], [solver, fee.solver]]
    for (const [who, part] of [...fees, [bo, fee.delegators]]) this.#move(task.user, who, number(part))
    const rewards = [[tr, reward.treasury], [lq, reward.liquidity], [solver, reward.solver], [bo, reward.delegators]]
    for (const [who, part] of [...rewards, [va, reward.validators], [task.user, reward.user]]) {
      this.#move(null, who, number(part))
    }
    Object.assign(task, { end: 'Settled', solver: String(solver) })
  }

  #resolve({ task, verdict, solverLost, contesterLost, partyReward }) {
    const dispute = this.disputes.get(task.toHex())
    const [lost, claimed, reward] = [solverLost, contesterLost, partyReward].map(number)
    this.#move(dispute.solver, this.pots.tr, lost)
    this.#move(dispute.contester, this.pots.tr, claimed)
    this.#move(this.pots.tr, claimed > 0n ? dispute.solver : dispute.contester, reward)
    Object.assign(dispute, { verdict: String(verdict), lost })
  }

  /** How many tasks ended in each way; those that have not under `open`. */
  ends() {
    const count = {}
    for (const { end } of this.tasks.values()) count[end ?? 'open'] = (count[end ?? 'open'] ?? 0) + 1
    return count
  }

  /** How many tasks were settled. */
  settled() {
    return this.ends().Settled ?? 0
  }

  /** Whether nothing of any dispute is left to be paid. */
  disputesAreClosed() {
    return [...this.disputes.values()].every(({ closed }) => closed)
  }

  /** Whether every task has ended, and so every dispute. */
  areClosed() {
    return !this.ends().open && this.disputesAreClosed()
  }

  /**
   * Checks what everybody has after the last block that is in the books.
   * @param at the state after that block
   * @returns what there is, in units of ASY: at genesis, minted, burned and now; and of how many accounts
   * @throws the first that is wrong, with both sides of it
   */
  async check(at) {
    const { balances: before, issuance: opening } = this.opening
    const after = await balances(at)
    const same = (what, left, right) => {
      if (left !== right) throw new Error(`${what}: ${asy(left)}, not ${asy(right)}, off by ${asy(left - right)}`)
    }
    const sum = (amounts) => [...amounts.values()].reduce((total, amount) => total + amount, 0n)
    const [issuance, authors, work] = (await Promise.all([
      at.query.balances.totalIssuance(),
      at.query.emissions.mintedAuthors(),
      at.query.emissions.mintedWork(),
    ])).map(number)
    same('what all accounts have is the issuance', sum(after), issuance)
    same('minted to authors, as events say', this.sums.authors, authors)
    same('minted for work, as events say', this.sums.work, work)
    same('the issuance is that of genesis, what was minted, less what was burned', issuance,
      opening + authors + work - this.sums.burned)
    for (const who of new Set([...before.keys(), ...after.keys(), ...this.changes.keys()])) {
      const expected = (before.get(who) ?? 0n) + (this.changes.get(who) ?? 0n)
      same(`what ${who} has`, after.get(who) ?? 0n, expected)
    }
    return { accounts: after.size, opening, minted: authors + work, burned: this.sums.burned, issuance }
  }
}

/** What every account has, free and on hold, by address, in units of ASY. */
const balances = async (at) => {
  const entries = await at.query.system.account.entries()
  return new Map(entries.map(([key, { data }]) => [String(key.args[0]), number(data.free) + number(data.reserved)]))
}

module.exports = { asy, balances, Books }
