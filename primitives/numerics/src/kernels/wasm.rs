//! WebAssembly SIMD.
