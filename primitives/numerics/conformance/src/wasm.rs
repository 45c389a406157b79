//! The checks as a WebAssembly module that needs of its host nothing but a place to write lines to: see `run.mjs`.

#[global_allocator]
static ALLOCATOR: dlmalloc::GlobalDlmalloc = dlmalloc::GlobalDlmalloc;

#[link(wasm_import_module = "host")]
extern "C" {
    /// Writes a line of `length` bytes of UTF-8 at `text`.
    fn line(text: *const u8, length: usize);
}

fn print(text: &str) {
    // SAFETY: the host reads the text and keeps nothing.
    unsafe { line(text.as_ptr(), text.len()) }
}

/// [`crate::check`] with the lines written by the host; 1 if there is no mismatch, else 0.
#[no_mangle]
pub extern "C" fn check(cases: u32, seed: u64) -> u32 {
    crate::check(cases, seed, &mut print).into()
}

#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    print(&alloc::format!("{info}"));
    core::arch::wasm32::unreachable()
}
