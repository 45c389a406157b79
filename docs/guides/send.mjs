// Sends one transaction and waits until it is final: URL KEY_FILE PALLET.CALL ARGUMENT...
// With `sudo` before the call, as the root account of a development network. Amounts are in units of ASY.
import { readFileSync } from 'node:fs'
import { ApiPromise, Keyring, WsProvider } from '@polkadot/api'

const [url, keyFile, ...rest] = process.argv.slice(2)
const isSudo = rest[0] === 'sudo'
const [name, ...values] = isSudo ? rest.slice(1) : rest
const [pallet, call] = name.split('.')

const api = await ApiPromise.create({ provider: new WsProvider(url), noInitWarn: true })
const signer = new Keyring({ type: 'sr25519' }).addFromUri(readFileSync(keyFile, 'utf8').trim())
const inner = api.tx[pallet][call](...values)
const transaction = isSudo ? api.tx.sudo.sudo(inner) : inner

/** An error as the pallet names it. */
const named = (error) => {
  if (!error.isModule) return error.toString()
  const { section, method, docs } = api.registry.findMetaError(error.asModule)
  return `${section}.${method}: ${docs.join(' ')}`
}

const block = await new Promise((resolve, reject) => {
  const follow = ({ status, dispatchError, events }) => {
    if (dispatchError) reject(new Error(named(dispatchError)))
    for (const { event } of events) {
      if (api.events.sudo.Sudid.is(event) && event.data.sudoResult.isErr) {
        reject(new Error(named(event.data.sudoResult.asErr)))
      }
    }
    if (status.isFinalized) resolve(status.asFinalized)
  }
  transaction.signAndSend(signer, follow).catch(reject)
})
console.log(`${name} is final in block ${block}`)
await api.disconnect()
