//! The pallets whose weights are measured in this runtime: ours. FRAME's bring weights of their own.

frame_benchmarking::define_benchmarks!(
    [pallet_bonds, Bonds]
    [pallet_contestation, Contestation]
    [pallet_elections, Elections]
    [pallet_emissions, Emissions]
    [pallet_models, Models]
    [pallet_settings, Settings]
    [pallet_solutions, Solutions]
    [pallet_tasks, Tasks]
);
