//! Weights may lie in a mapped file: a kernel that reads beyond the last one could leave the file, and be killed.

#![cfg(unix)]

use assay_numerics::{matrix::Bytes, ColumnsMut, Isa, Kernels, Matrix, Precision, Rows, Weights};
use std::sync::Arc;

/// A multiple of every usual page size.
const PAGES: usize = 65_536;

/// A mapped file of [`PAGES`] bytes as `fill` leaves them. What follows them in memory cannot be read.
fn mapped(fill: impl Fn(&mut [u8])) -> Bytes {
    let file = tempfile::tempfile().unwrap();
    file.set_len(2 * PAGES as u64).unwrap();
    // SAFETY: nobody else knows the file, and below nothing is read from what is cut off.
    let mut map = unsafe { memmap2::MmapMut::map_mut(&file) }.unwrap();
    fill(&mut map[..PAGES]);
    // Reading the second half of the map is an error of the bus from here on.
    file.set_len(PAGES as u64).unwrap();
    Arc::new(map)
}

#[test]
fn no_kernel_reads_beyond_the_last_weight() {
    let bytes = mapped(|page| page.iter_mut().enumerate().for_each(|(i, byte)| *byte = (i * 37 % 127) as u8));
    for columns in 1..200 {
        for outputs in 1..6 {
            let range = PAGES - columns * outputs..PAGES;
            let weights = (*bytes).as_ref()[range.clone()].iter().map(|byte| *byte as i8).collect();
            let scales = vec![1.0; outputs];
            let mapped = Matrix::shared(columns, bytes.clone(), range, scales.clone()).unwrap();
            let copied = Matrix::new(columns, weights, scales).unwrap();
            compare(&mapped, &copied);
            let range = PAGES - 2 * columns * outputs..PAGES;
            let weights = (*bytes).as_ref()[range.clone()].to_vec();
            let scales = copied.scales().to_vec();
            let mapped = Matrix::shared_w16(columns, bytes.clone(), range, scales.clone()).unwrap();
            let copied = Matrix::shared_w16(columns, Arc::new(weights), 0..2 * columns * outputs, scales).unwrap();
            compare(&mapped, &copied);
        }
    }
}

#[test]
fn no_kernel_reads_beyond_the_last_packed_weight() {
    for columns in (1..10).chain([31, 32, 33, 63, 64, 65, 127, 128, 129, 190]) {
        for outputs in 1..6 {
            let x: Vec<f32> = (0..columns * outputs).map(|i| (i * 37 % 127) as f32 - 63.0).collect();
            let copied = Matrix::quantise_w4(columns, &x).unwrap();
            let Weights::W4 { nibbles, multipliers } = copied.weights() else { panic!("not packed") };
            // Once each of the two is the last in the file.
            for (first, second) in [(nibbles, multipliers), (multipliers, nibbles)] {
                let begin = PAGES - first.len() - second.len();
                let bytes = mapped(|page| {
                    page[begin..begin + first.len()].copy_from_slice(first);
                    page[begin + first.len()..].copy_from_slice(second);
                });
                let ranges = (begin..begin + first.len(), begin + first.len()..PAGES);
                let (nibbles, multipliers) = if first == nibbles { ranges } else { (ranges.1, ranges.0) };
                let mapped = Matrix::shared_w4(columns, bytes, nibbles, multipliers, copied.scales().to_vec()).unwrap();
                compare(&mapped, &copied);
            }
        }
    }
}

/// Compares the products of every path on `mapped` with the reference on `copied`.
fn compare(mapped: &Matrix, copied: &Matrix) {
    let (columns, outputs) = (copied.columns(), copied.rows());
    for (count, precision) in [(1, Precision::A8), (1, Precision::A16), (9, Precision::A8)] {
        let x: Vec<f32> = (0..columns * count).map(|i| (i % 11) as f32 - 5.0).collect();
        let rows = Rows::quantise(Kernels::SCALAR, &x, columns, precision).unwrap();
        let product = |kernels, matrix: &Matrix| {
            let mut out = vec![f32::NAN; outputs * count];
            matrix.multiply(kernels, &rows, None, 0, ColumnsMut::new(&mut out, outputs)).unwrap();
            out
        };
        let expected = product(Kernels::SCALAR, copied);
        for kernels in Kernels::available().filter(|kernels| kernels.isa() != Isa::Scalar) {
            assert_eq!(product(kernels, mapped), expected, "{}, {columns} columns", kernels.isa());
        }
    }
}
