//! The pallets whose weights are measured in this runtime.

frame_benchmarking::define_benchmarks!(
    [frame_benchmarking, BaselineBench::<Runtime>]
    [frame_system, SystemBench::<Runtime>]
    [frame_system_extensions, SystemExtensionsBench::<Runtime>]
    [pallet_balances, Balances]
    [pallet_bonds, Bonds]
    [pallet_emissions, Emissions]
    [pallet_migrations, Migrations]
    [pallet_models, Models]
    [pallet_multisig, Multisig]
    [pallet_parameters, Parameters]
    [pallet_proxy, Proxy]
    [pallet_settings, Settings]
    [pallet_solutions, Solutions]
    [pallet_sudo, Sudo]
    [pallet_tasks, Tasks]
    [pallet_timestamp, Timestamp]
    [pallet_transaction_payment, TransactionPayment]
    [pallet_utility, Utility]
);
