//! Runs a runtime's benchmarks in WebAssembly and writes one weight file per pallet.
//!
//! What the maintained `frame-omni-bencher` does, over the same building blocks (`frame_benchmarking`'s analysis,
//! `sc-client-db`'s benchmarking state, `sc-executor`), without the client of a whole relay chain that it compiles.
//! Called by `scripts/benchmark-weights`.

use anyhow::{bail, Context, Result};
use clap::Parser;
use codec::{Decode, Encode};
use frame_benchmarking::{
    Analysis, BenchmarkBatch, BenchmarkList, BenchmarkParameter, BenchmarkResult, BenchmarkSelector,
};
use frame_support::traits::StorageInfo;
use sc_client_db::BenchmarkingState;
use sc_executor::WasmExecutor;
use sp_core::{
    offchain::{testing::TestOffchainExt, OffchainDbExt, OffchainWorkerExt},
    traits::{CallContext, CodeExecutor, ReadRuntimeVersionExt},
};
use sp_externalities::Extensions;
use sp_keystore::{testing::MemoryKeystore, KeystoreExt};
use sp_runtime::traits::BlakeTwo256;
use sp_state_machine::StateMachine;
use std::{collections::BTreeMap, fmt::Write as _, path::PathBuf};

type Host = (sp_io::SubstrateHostFunctions, frame_benchmarking::benchmarking::HostFunctions);
type Components = Vec<(BenchmarkParameter, u32)>;

/// Measures the weights of pallets.
#[derive(Parser)]
struct Options {
    /// The runtime, built with the feature `runtime-benchmarks`.
    #[arg(long)]
    runtime: PathBuf,
    /// Genesis preset to measure on.
    #[arg(long, default_value = "development")]
    preset: String,
    /// Pallets to measure, by crate name with underscores; all of the runtime's if none is given.
    #[arg(long)]
    pallet: Vec<String>,
    /// Folder for the weight files; without it only the benchmarks are run, once each.
    #[arg(long)]
    output: Option<PathBuf>,
    /// Points along the range of each component.
    #[arg(long, default_value_t = 20)]
    steps: u32,
    /// Measurements per point.
    #[arg(long, default_value_t = 10)]
    repeat: u32,
}

/// Executes runtime calls, each on a fresh view of one genesis state.
struct Machine {
    executor: WasmExecutor<Host>,
    timed: BenchmarkingState<BlakeTwo256>,
    tracked: BenchmarkingState<BlakeTwo256>,
}

impl Machine {
    fn new(code: &[u8], preset: &str) -> Result<Self> {
        let executor = WasmExecutor::<Host>::builder().with_allow_missing_host_functions(true).build();
        let genesis = sc_chain_spec::GenesisConfigBuilderRuntimeCaller::<Host>::new(code);
        let mut storage =
            genesis.get_storage_for_named_preset(Some(&preset.to_string())).map_err(anyhow::Error::msg)?;
        storage.top.insert(sp_core::storage::well_known_keys::CODE.to_vec(), code.to_vec());
        let state =
            |track| BenchmarkingState::new(storage.clone(), Some(1024), true, track).map_err(anyhow::Error::msg);
        Ok(Self { executor, timed: state(false)?, tracked: state(true)? })
    }

    fn call<R: Decode>(&self, state: &BenchmarkingState<BlakeTwo256>, method: &str, arguments: &[u8]) -> Result<R> {
        let code = sp_state_machine::backend::BackendRuntimeCode::<_, BlakeTwo256>::new(
            state,
            sp_state_machine::backend::TryPendingCode::No,
        );
        let code = code.runtime_code().map_err(anyhow::Error::msg)?;
        let mut changes = Default::default();
        let mut extensions = extensions(self.executor.clone());
        let result = StateMachine::new(
            state,
            &mut changes,
            &self.executor,
            method,
            arguments,
            &mut extensions,
            &code,
            CallContext::Offchain,
        )
        .execute()
        .map_err(|error| anyhow::anyhow!("{method}: {error}"))?;
        R::decode(&mut &result[..]).with_context(|| format!("{method} answered something else than expected"))
    }

    fn measure(&self, what: &Benchmark, at: &Components, track: bool, repeat: u32) -> Result<Vec<BenchmarkResult>> {
        let state = if track { &self.tracked } else { &self.timed };
        let arguments = (&what.pallet, &what.instance, &what.name, at, false, repeat).encode();
        let batches: Result<Vec<BenchmarkBatch>, String> =
            self.call(state, "Benchmark_dispatch_benchmark", &arguments)?;
        let batches = batches.map_err(|error| anyhow::anyhow!("{}: {error}", what.title()))?;
        Ok(batches.into_iter().flat_map(|batch| batch.results).collect())
    }
}

fn extensions(executor: impl CodeExecutor) -> Extensions {
    let (offchain, _) = TestOffchainExt::new();
    let mut extensions = Extensions::default();
    extensions.register(KeystoreExt::new(MemoryKeystore::new()));
    extensions.register(OffchainWorkerExt::new(offchain.clone()));
    extensions.register(OffchainDbExt::new(offchain));
    extensions.register(ReadRuntimeVersionExt::new(executor));
    extensions
}

/// One benchmark and the range of each of its components.
struct Benchmark {
    pallet: Vec<u8>,
    instance: Vec<u8>,
    name: Vec<u8>,
    components: Vec<(BenchmarkParameter, u32, u32)>,
}

impl Benchmark {
    fn title(&self) -> String {
        format!("{}::{}", String::from_utf8_lossy(&self.pallet), String::from_utf8_lossy(&self.name))
    }

    /// Every point to measure at: each component walks its range while the others stand at their highest.
    fn points(&self, steps: u32) -> Vec<Components> {
        if self.components.is_empty() {
            return vec![Vec::new()];
        }
        let steps = steps.max(2);
        let mut points = Vec::new();
        for (walking, low, high) in &self.components {
            for step in 0..steps {
                let value = low + ((u64::from(high - low) * u64::from(step)) / u64::from(steps - 1)) as u32;
                points.push(
                    self.components
                        .iter()
                        .map(|(name, _, highest)| (*name, if name == walking { value } else { *highest }))
                        .collect(),
                );
            }
        }
        points
    }
}

/// The body of one weight function.
fn function(benchmark: &Benchmark, timed: &Vec<BenchmarkResult>, tracked: &Vec<BenchmarkResult>) -> Result<String> {
    let analyse = |results, selector| {
        Analysis::min_squares_iqr(results, selector).with_context(|| format!("analysing {}", benchmark.title()))
    };
    let time = analyse(timed, BenchmarkSelector::ExtrinsicTime)?;
    let reads = analyse(tracked, BenchmarkSelector::Reads)?;
    let writes = analyse(tracked, BenchmarkSelector::Writes)?;
    let proof = analyse(tracked, BenchmarkSelector::ProofSize)?;
    let slopes = |analysis: &Analysis| -> Vec<(String, u128)> {
        analysis.names.iter().cloned().zip(analysis.slopes.iter().copied()).filter(|(_, slope)| *slope > 0).collect()
    };
    let used: Vec<String> =
        [&time, &reads, &writes, &proof].iter().flat_map(|analysis| slopes(analysis)).map(|(name, _)| name).collect();

    let mut text = String::new();
    for (name, low, high) in &benchmark.components {
        writeln!(text, "    /// The range of component `{name}` is `[{low}, {high}]`.")?;
    }
    let arguments: Vec<String> = benchmark
        .components
        .iter()
        .map(|(name, ..)| format!("{}{name}: u32", if used.contains(&name.to_string()) { "" } else { "_" }))
        .collect();
    writeln!(text, "    fn {}({}) -> Weight {{", String::from_utf8_lossy(&benchmark.name), arguments.join(", "))?;
    writeln!(text, "        // Fastest measurement: {} nanoseconds.", time.minimum)?;
    write!(text, "        Weight::from_parts({}, {})", time.base, proof.base)?;
    for (name, slope) in slopes(&time) {
        write!(text, "\n            .saturating_add(Weight::from_parts({slope}, 0).saturating_mul({name}.into()))")?;
    }
    for (name, slope) in slopes(&proof) {
        write!(text, "\n            .saturating_add(Weight::from_parts(0, {slope}).saturating_mul({name}.into()))")?;
    }
    for (kind, analysis) in [("reads", &reads), ("writes", &writes)] {
        if analysis.base > 0 {
            write!(text, "\n            .saturating_add(T::DbWeight::get().{kind}({}))", analysis.base)?;
        }
        for (name, slope) in slopes(analysis) {
            write!(
                text,
                "\n            .saturating_add(T::DbWeight::get().{kind}({slope}_u64.saturating_mul({name}.into())))"
            )?;
        }
    }
    text.push_str("\n    }\n");
    Ok(text)
}

fn file(pallet: &str, options: &Options, functions: &str) -> String {
    format!(
        "//! Weights of `{pallet}`, written by `scripts/benchmark-weights`; not edited by hand.\n\
         //!\n\
         //! Machine: {machine}.\n\
         //! Preset: `{preset}`. Points per component: {steps}; measurements per point: {repeat}.\n\
         \n\
         use core::marker::PhantomData;\n\
         use frame_support::{{traits::Get, weights::Weight}};\n\
         \n\
         /// Measured weights of `{pallet}`.\n\
         pub struct WeightInfo<T>(PhantomData<T>);\n\
         \n\
         impl<T: frame_system::Config> {pallet}::WeightInfo for WeightInfo<T> {{\n{functions}}}\n",
        machine = machine(),
        preset = options.preset,
        steps = options.steps,
        repeat = options.repeat,
    )
}

/// The processor, as the kernel names it.
fn machine() -> String {
    std::fs::read_to_string("/proc/cpuinfo")
        .ok()
        .and_then(|text| {
            text.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": ")).map(|(_, n)| n.to_string())
        })
        .unwrap_or_else(|| "unknown processor".to_string())
}

fn main() -> Result<()> {
    let options = Options::parse();
    let code = std::fs::read(&options.runtime)
        .with_context(|| format!("cannot read the runtime {}", options.runtime.display()))?;
    let machine = Machine::new(&code, &options.preset)?;
    let (lists, _): (Vec<BenchmarkList>, Vec<StorageInfo>) =
        machine.call(&machine.timed, "Benchmark_benchmark_metadata", &false.encode())?;

    let mut written = BTreeMap::<String, String>::new();
    for list in lists {
        let pallet = String::from_utf8_lossy(&list.pallet).into_owned();
        if !options.pallet.is_empty() && !options.pallet.contains(&pallet) {
            continue;
        }
        for metadata in list.benchmarks {
            let benchmark = Benchmark {
                pallet: list.pallet.clone(),
                instance: list.instance.clone(),
                name: metadata.name,
                components: metadata.components,
            };
            let (mut timed, mut tracked) = (Vec::new(), Vec::new());
            for point in benchmark.points(if options.output.is_some() { options.steps } else { 2 }) {
                tracked.extend(machine.measure(&benchmark, &point, true, 1)?);
                if options.output.is_some() {
                    timed.extend(machine.measure(&benchmark, &point, false, options.repeat)?);
                }
            }
            eprintln!("{}", benchmark.title());
            if options.output.is_some() {
                written.entry(pallet.clone()).or_default().push_str(&function(&benchmark, &timed, &tracked)?);
            }
        }
    }
    if let Some(folder) = &options.output {
        if written.is_empty() {
            bail!("the runtime lists no benchmark of {:?}; was it built with runtime-benchmarks?", options.pallet);
        }
        for (pallet, functions) in &written {
            let path = folder.join(format!("{pallet}.rs"));
            std::fs::write(&path, file(pallet, &options, functions))
                .with_context(|| format!("cannot write {}", path.display()))?;
        }
    }
    Ok(())
}
