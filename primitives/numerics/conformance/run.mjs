// Runs the checks that were compiled to WebAssembly: node run.mjs FILE.wasm CASES SEED
import { readFileSync } from "node:fs";

const [file, cases, seed] = process.argv.slice(2);
let memory;
const line = (text, length) => console.log(new TextDecoder().decode(new Uint8Array(memory.buffer, text, length)));
const { instance } = await WebAssembly.instantiate(readFileSync(file), { host: { line } });
memory = instance.exports.memory;
process.exitCode = instance.exports.check(Number(cases), BigInt(seed)) ? 0 : 1;
