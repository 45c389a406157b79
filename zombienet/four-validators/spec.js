// Prints the specification of the network: the genesis of the runtime before the present one, as its development chain
// had it, with two more accounts, for the gateway and for whoever lies. Zombienet puts the validators in.
const fs = require('node:fs')
const path = require('node:path')

const FIXTURES = path.join(__dirname, '../../runtime/tests/fixtures')
/** What is left of the runtime before: of older ones there are only states. */
const [OLD] = fs.readdirSync(FIXTURES).map((name) => path.join(FIXTURES, name))
  .filter((folder) => fs.existsSync(path.join(folder, 'runtime.wasm')))
/** What each test account has, in units of ASY. */
const ENDOWMENT = 100_000 * 10 ** 12
const ONE = '5Fxune7f71ZbpP2FoY3mhYcmM596Erhv1gRue4nsPwkxMR4n'
const TWO = '5CUjxa4wVKMj3FqKdqAUf7zcEMr4MYAjXeWmUf44B41neLmJ'

const spec = JSON.parse(fs.readFileSync(path.join(OLD, 'development.json')))
const { runtimeGenesis } = spec.genesis
Object.assign(spec, { name: 'Assay Four', id: 'assay_four', chainType: 'Local' })
runtimeGenesis.code = `0x${fs.readFileSync(path.join(OLD, 'runtime.wasm')).toString('hex')}`
runtimeGenesis.patch.balances.balances.push([ONE, ENDOWMENT], [TWO, ENDOWMENT])
process.stdout.write(JSON.stringify(spec))
