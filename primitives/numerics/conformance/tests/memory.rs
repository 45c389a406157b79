//! Weights may lie in a mapped file: a kernel that reads beyond the last one could leave the file, and be killed.

#![cfg(unix)]

use assay_numerics::{matrix::Bytes, ColumnsMut, Isa, Kernels, Matrix, Precision, Rows};
use std::sync::Arc;

/// A multiple of every usual page size.
const PAGES: usize = 65_536;

#[test]
fn no_kernel_reads_beyond_the_last_weight() {
    let file = tempfile::tempfile().unwrap();
    file.set_len(2 * PAGES as u64).unwrap();
    // SAFETY: nobody else knows the file, and below nothing is read from what is cut off.
    let mut map = unsafe { memmap2::MmapMut::map_mut(&file) }.unwrap();
    map[..PAGES].iter_mut().enumerate().for_each(|(i, byte)| *byte = (i * 37 % 127) as u8);
    // Reading the second half of the map is an error of the bus from here on.
    file.set_len(PAGES as u64).unwrap();
    let bytes: Bytes = Arc::new(map);
    for columns in 1..200 {
        for outputs in 1..6 {
            let range = PAGES - columns * outputs..PAGES;
            let weights = (*bytes).as_ref()[range.clone()].iter().map(|byte| *byte as i8).collect();
            let scales = vec![1.0; outputs];
            let mapped = Matrix::shared(columns, bytes.clone(), range, scales.clone()).unwrap();
            let copied = Matrix::new(columns, weights, scales).unwrap();
            for (count, precision) in [(1, Precision::A8), (1, Precision::A16), (9, Precision::A8)] {
                let x: Vec<f32> = (0..columns * count).map(|i| (i % 11) as f32 - 5.0).collect();
                let rows = Rows::quantise(Kernels::SCALAR, &x, columns, precision).unwrap();
                let product = |kernels, matrix: &Matrix| {
                    let mut out = vec![f32::NAN; outputs * count];
                    matrix.multiply(kernels, &rows, None, 0, ColumnsMut::new(&mut out, outputs)).unwrap();
                    out
                };
                let expected = product(Kernels::SCALAR, &copied);
                for kernels in Kernels::available().filter(|kernels| kernels.isa() != Isa::Scalar) {
                    assert_eq!(product(kernels, &mapped), expected, "{}, {columns} columns", kernels.isa());
                }
            }
        }
    }
}
