//! The threads that compute, and how work is spread over them. Every piece of work computes whole outputs, so no
//! result depends on how many there are.

use crate::EngineError;
use assay_numerics::{check_float_environment, ColumnsMut, Error, Isa, Kernels, Matrix, Rows};
use rayon::{iter::IntoParallelIterator, prelude::*};

/// Multiplications below which waking another thread costs more than it saves.
const WORTH_SHARING: usize = 1 << 18;
/// Pieces of a product for each thread: more than one, so that a thread that is held up does not hold up the others.
const PIECES: usize = 4;

/// Threads with the kernels they compute with.
pub struct Threads {
    pool: rayon::ThreadPool,
    count: usize,
    kernels: Kernels,
}

impl Threads {
    /// `count` threads (the processor's number for 0) that compute with `isa`, or with the fastest kernels that this
    /// processor has.
    ///
    /// # Errors
    /// [`EngineError::Numerics`] for an instruction set that this processor does not have, or a float mode that is
    /// not the profile's; [`EngineError::Threads`] where the system gives no threads.
    pub fn new(count: usize, isa: Option<Isa>) -> Result<Self, EngineError> {
        let kernels = match isa {
            Some(isa) => Kernels::new(isa)?,
            None => Kernels::best(),
        };
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(count)
            .thread_name(|index| format!("compute-{index}"))
            .build()
            .map_err(|error| EngineError::Threads(error.to_string()))?;
        let threads = Self { count: pool.current_num_threads(), pool, kernels };
        threads.check()?;
        Ok(threads)
    }

    /// Number of threads.
    pub fn count(&self) -> usize {
        self.count
    }

    /// The kernels they compute with.
    pub fn kernels(&self) -> Kernels {
        self.kernels
    }

    /// Checks the float mode of every thread.
    ///
    /// # Errors
    /// [`Error::FloatEnvironment`].
    pub fn check(&self) -> Result<(), Error> {
        self.pool.broadcast(|_| check_float_environment()).into_iter().collect()
    }

    /// Runs `work` on these threads.
    pub(crate) fn enter<R: Send>(&self, work: impl FnOnce() -> R + Send) -> R {
        self.pool.install(work)
    }

    /// Does `work` on each item; by several threads if all of it together takes as many as `multiplications`.
    pub(crate) fn each<T: Send>(
        &self,
        multiplications: usize,
        items: impl IntoIterator<Item = T>,
        work: impl Fn(T) -> Result<(), Error> + Sync,
    ) -> Result<(), Error> {
        if self.count == 1 || multiplications < WORTH_SHARING {
            return items.into_iter().try_for_each(work);
        }
        let items: Vec<T> = items.into_iter().collect();
        self.pool.install(|| items.into_par_iter().try_for_each(&work))
    }

    /// Computes several products.
    pub(crate) fn multiply(&self, products: Vec<Product<'_>>) -> Result<(), Error> {
        let cost = |product: &Product<'_>| {
            product.rows.count().saturating_mul(product.linear.matrix.rows()).saturating_mul(product.rows.width())
        };
        let total: usize = products.iter().map(cost).sum();
        let share = (total / (self.count * PIECES)).max(WORTH_SHARING / 2);
        let mut pieces = Vec::new();
        for Product { linear, rows, out } in products {
            let outputs = linear.matrix.rows();
            let per_output = rows.count().saturating_mul(rows.width()).max(1);
            // Whole tiles, and whole cache lines of the result.
            let step = (share / per_output).max(1).next_multiple_of(16);
            let mut rest = ColumnsMut::new(out, outputs);
            let mut first = 0;
            while first < outputs {
                let (piece, others) = rest.split_at(step);
                let columns = piece.columns();
                pieces.push((linear, rows, first, piece));
                (rest, first) = (others, first + columns);
            }
        }
        self.each(total, pieces, |(linear, rows, first, out)| {
            linear.matrix.multiply(self.kernels, rows, linear.bias.as_deref(), first, out)
        })
    }
}

/// A matrix with its bias.
pub(crate) struct Linear {
    /// The weights.
    pub matrix: Matrix,
    /// As many as the matrix has rows.
    pub bias: Option<Vec<f32>>,
}

/// All rows times a matrix.
pub(crate) struct Product<'a> {
    /// The matrix.
    pub linear: &'a Linear,
    /// The rows.
    pub rows: &'a Rows,
    /// A row of outputs for each row.
    pub out: &'a mut [f32],
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_numerics::Precision;

    #[test]
    fn any_number_of_threads_gives_the_same_products() {
        let mut numbers = crate::tests::fixture::Numbers(5);
        let (columns, count) = (700, 33);
        let linear = |outputs: usize, numbers: &mut crate::tests::fixture::Numbers| Linear {
            matrix: Matrix::quantise(columns, &numbers.vector(columns * outputs)).unwrap(),
            bias: Some(numbers.vector(outputs)),
        };
        let (first, second) = (linear(301, &mut numbers), linear(18, &mut numbers));
        let rows = Rows::quantise(Kernels::SCALAR, &numbers.vector(columns * count), columns, Precision::A16).unwrap();
        let mut reference: Option<(Vec<f32>, Vec<f32>)> = None;
        for kernels in Kernels::available() {
            for count in 1..=16 {
                let threads = Threads::new(count, Some(kernels.isa())).unwrap();
                assert_eq!((threads.count(), threads.kernels()), (count, kernels));
                let mut out = (vec![0.0; rows.count() * 301], vec![0.0; rows.count() * 18]);
                let products = vec![
                    Product { linear: &first, rows: &rows, out: &mut out.0 },
                    Product { linear: &second, rows: &rows, out: &mut out.1 },
                ];
                threads.enter(|| threads.multiply(products)).unwrap();
                assert!(out == *reference.get_or_insert_with(|| out.clone()), "{count} threads, {}", kernels.isa());
            }
        }
    }

    #[test]
    fn an_error_in_any_piece_is_the_result() {
        let threads = Threads::new(3, None).unwrap();
        for shared in [0, usize::MAX] {
            let work = |i: i32| if i == 70 { Err(Error::Weight) } else { Ok(()) };
            assert_eq!(threads.enter(|| threads.each(shared, 0..100, work)), Err(Error::Weight));
            assert_eq!(threads.enter(|| threads.each(shared, 0..70, work)), Ok(()));
        }
    }
}
