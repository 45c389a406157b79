// The standard libraries, unmodified, against a node: URL MODEL. Each asks with a key of its own kind and follows its task
// until it is settled.
import assert from 'node:assert/strict'
import { ApiPromise, Keyring, WsProvider } from '@polkadot/api'
import { DedotClient, WsProvider as DedotProvider } from 'dedot'
import { createClient, Enum } from 'polkadot-api'
import { getPolkadotSigner } from 'polkadot-api/signer'
import { getWsProvider } from 'polkadot-api/ws'
import { WebSocket } from 'ws'

const [url, model] = process.argv.slice(2)
const ASY = 10n ** 12n
const fee = 2n * ASY
// SCALE: text, at most 8 tokens, temperature 0.7, top-k 40, top-p 0.95, repetition penalty 1.1.
const parameters = new Uint8Array([0, ...[8, 700, 40, 950, 1100].flatMap((n) => [n & 255, n >> 8, 0, 0])])
const provider = new WsProvider(url)
const api = await ApiPromise.create({ provider, noInitWarn: true })
const input = (text) => new TextEncoder().encode(text)
const hex = (bytes) => `0x${Buffer.from(bytes).toString('hex')}`

/** Asks with polkadot-api; asks the storage about the task in each final block. */
const polkadotApi = async (pair) => {
  const client = createClient(getWsProvider(url, { websocketClass: WebSocket }))
  const api = client.getUnsafeApi()
  const signer = getPolkadotSigner(pair.publicKey, 'Sr25519', (message) => pair.sign(message))
  const call = { model, parameters, input: Enum('Inline', input('w31 w32')), fee, deadline: undefined }
  const { ok, events } = await api.tx.Tasks.submit(call).signAndSubmit(signer)
  assert.ok(ok)
  const { task } = events.find(({ type, value }) => type === 'Tasks' && value.type === 'Submitted').value.value
  await new Promise((resolve, reject) => {
    const blocks = client.finalizedBlock$.subscribe({
      next: async ({ hash }) => {
        const found = await api.query.Tasks.Tasks.getValue(task, { at: hash })
        if (found?.state.type === 'Settled') resolve(blocks.unsubscribe())
      },
      error: reject,
    })
  })
  client.destroy()
}

/** Asks with polkadot-js; is told about the task by the node. */
const polkadotJs = async (pair) => {
  const call = api.tx.tasks.submit(model, hex(parameters), { Inline: hex(input('w33 w34')) }, fee, null)
  const submitted = await new Promise((resolve, reject) => {
    const sent = call.signAndSend(pair, ({ dispatchError, events, isFinalized }) => {
      if (dispatchError) reject(new Error(dispatchError.toString()))
      if (isFinalized) resolve(events.find(({ event }) => api.events.tasks.Submitted.is(event)).event)
    })
    sent.catch(reject)
  })
  const task = submitted.data.task.toHex()
  const { owner } = await provider.send('assay_task', [task])
  assert.equal(owner, api.createType('AccountId', pair.publicKey).toString())
  await new Promise((resolve, reject) => {
    const told = (error, notice) => {
      if (error) reject(error)
      if (notice?.change === 'settled' && notice.status === 'final') resolve()
    }
    provider.subscribe('assay_taskChange', 'assay_subscribeTasks', [{ task }], told).catch(reject)
  })
}

/** Asks with dedot; asks the storage to tell about the task. */
const dedot = async (pair) => {
  const client = await DedotClient.new(new DedotProvider(url))
  const payload = { type: 'Inline', value: hex(input('w35 w36')) }
  const call = client.tx.tasks.submit(model, hex(parameters), payload, fee, undefined)
  const { dispatchError, events } = await call.signAndSend(pair).untilFinalized()
  assert.equal(dispatchError, undefined)
  const { task } = events.map(({ event }) => event).find(client.events.tasks.Submitted.is).palletEvent.data
  await new Promise((resolve, reject) => {
    client.query.tasks.tasks(task, (found) => found?.state === 'Settled' && resolve()).catch(reject)
  })
  await client.disconnect()
}

const keyring = new Keyring()
const pairs = ['sr25519', 'ed25519', 'ecdsa'].map((kind) => keyring.addFromUri(`//Client//${kind}`, {}, kind))
const transfers = pairs.map(({ address }) => api.tx.balances.transferKeepAlive(address, 100n * ASY))
await new Promise((resolve, reject) => {
  const bob = keyring.addFromUri('//Bob', {}, 'sr25519')
  api.tx.utility.batchAll(transfers).signAndSend(bob, ({ isFinalized }) => isFinalized && resolve()).catch(reject)
})
await Promise.all([polkadotApi(pairs[0]), polkadotJs(pairs[1]), dedot(pairs[2])])
await api.disconnect()
