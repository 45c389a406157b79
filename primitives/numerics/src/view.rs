//! Two-dimensional views of memory, so that several threads may write different columns of the same rows.

use core::marker::PhantomData;

/// Some columns of all rows of a row-major array, to be written.
///
/// It can be split by columns like a slice is split in two: no element belongs to two views.
pub struct ColumnsMut<'a> {
    first: *mut f32,
    rows: usize,
    columns: usize,
    stride: usize,
    memory: PhantomData<&'a mut [f32]>,
}

// SAFETY: a view is the only access to its elements, like a `&mut [f32]`, which may be sent too.
unsafe impl Send for ColumnsMut<'_> {}

impl<'a> ColumnsMut<'a> {
    /// All of `memory`, as whole rows of `columns` elements; what is more than whole rows is left out.
    pub fn new(memory: &'a mut [f32], columns: usize) -> Self {
        let rows = memory.len().checked_div(columns).unwrap_or(0);
        Self { first: memory.as_mut_ptr(), rows, columns, stride: columns, memory: PhantomData }
    }

    /// Number of rows.
    #[inline(always)]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Number of columns.
    #[inline(always)]
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// The first columns up to `at`, and the rest; `at` beyond the end leaves the rest empty.
    pub fn split_at(self, at: usize) -> (Self, Self) {
        let at = at.min(self.columns);
        let Self { first, rows, columns, stride, memory } = self;
        // SAFETY: `at` columns after the first element are still inside the same row, or one past the view's end.
        let second = unsafe { first.add(at) };
        (
            Self { first, rows, columns: at, stride, memory },
            Self { first: second, rows, columns: columns - at, stride, memory },
        )
    }

    /// The first rows up to `at`, and the rest.
    pub fn split_rows_at(self, at: usize) -> (Self, Self) {
        let at = at.min(self.rows);
        let Self { first, rows, columns, stride, memory } = self;
        let rest = rows - at;
        // SAFETY: with rows left the offset is inside the array; without any it is not applied.
        let second = unsafe { first.add(if rest > 0 { at * stride } else { 0 }) };
        (Self { first, rows: at, columns, stride, memory }, Self { first: second, rows: rest, columns, stride, memory })
    }

    /// One row of the view; empty if there is no such row.
    #[inline(always)]
    pub fn row(&mut self, row: usize) -> &mut [f32] {
        if row >= self.rows {
            return &mut [];
        }
        // SAFETY: the elements are inside the array, belong to this view alone, and the borrow of `self` lasts as long.
        unsafe { core::slice::from_raw_parts_mut(self.first.add(row * self.stride), self.columns) }
    }
}

/// Some columns of all rows of a row-major array, to be read.
#[derive(Clone, Copy, Debug)]
pub struct Columns<'a> {
    memory: &'a [f32],
    first: usize,
    columns: usize,
    stride: usize,
}

impl<'a> Columns<'a> {
    /// Of `memory`, which has rows of `stride` elements, the `columns` from `first` on; `None` if a row has not so many.
    pub fn new(memory: &'a [f32], stride: usize, first: usize, columns: usize) -> Option<Self> {
        (stride > 0 && first.checked_add(columns)? <= stride).then_some(Self { memory, first, columns, stride })
    }

    /// Number of rows.
    #[inline(always)]
    pub fn rows(&self) -> usize {
        self.memory.len() / self.stride
    }

    /// Number of columns.
    #[inline(always)]
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// One row of the view; empty if there is no such row.
    #[inline(always)]
    pub fn row(&self, row: usize) -> &'a [f32] {
        let begin = row * self.stride + self.first;
        self.memory.get(begin..begin + self.columns).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn views_cover_every_element_once() {
        let mut memory = vec![0.0; 3 * 10 + 2];
        let whole = ColumnsMut::new(&mut memory, 10);
        assert_eq!((whole.rows(), whole.columns()), (3, 10));
        let (mut left, right) = whole.split_at(4);
        let (mut middle, mut right) = right.split_at(1);
        std::thread::scope(|scope| {
            for (value, view) in [(1.0, &mut left), (2.0, &mut middle), (4.0, &mut right)] {
                scope.spawn(move || {
                    for row in 0..3 {
                        view.row(row).iter_mut().for_each(|x| *x += value + row as f32 * 8.0);
                    }
                    assert!(view.row(3).is_empty());
                });
            }
        });
        for row in 0..3 {
            let read = &memory[row * 10..row * 10 + 10];
            let base = row as f32 * 8.0;
            assert_eq!(read[..5], [base + 1.0, base + 1.0, base + 1.0, base + 1.0, base + 2.0]);
            assert!(read[5..].iter().all(|x| *x == base + 4.0));
        }
        assert_eq!(memory[30..], [0.0, 0.0]);
    }

    #[test]
    fn splits_at_the_edges_are_empty() {
        let mut memory = [0.0; 6];
        let (whole, none) = ColumnsMut::new(&mut memory, 3).split_at(9);
        assert_eq!((whole.columns(), none.columns(), none.rows()), (3, 0, 2));
        let (mut above, mut below) = whole.split_rows_at(1);
        above.row(0)[2] = 1.0;
        below.row(0)[0] = 2.0;
        let (rest, mut nothing) = below.split_rows_at(5);
        assert_eq!((rest.rows(), nothing.rows()), (1, 0));
        assert!(nothing.row(0).is_empty());
        assert_eq!(memory, [0.0, 0.0, 1.0, 2.0, 0.0, 0.0]);
        assert_eq!(ColumnsMut::new(&mut [], 0).rows(), 0);
    }

    #[test]
    fn columns_are_read_where_they_are() {
        let memory: Vec<f32> = (0..12).map(|i| i as f32).collect();
        let view = Columns::new(&memory, 4, 1, 2).unwrap();
        assert_eq!((view.rows(), view.columns()), (3, 2));
        assert_eq!(view.row(2), [9.0, 10.0]);
        assert!(view.row(3).is_empty());
        assert!(Columns::new(&memory, 4, 3, 2).is_none());
        assert!(Columns::new(&memory, 0, 0, 0).is_none());
    }
}
