//! Which of the processor's instruction sets computes: a choice of speed alone, never of a result.

use crate::Error;

/// A set of instructions that the kernels are written or compiled for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum Isa {
    /// Portable code: the reference.
    Scalar,
    /// x86-64 with AVX2 and F16C.
    Avx2,
    /// x86-64 with AVX-512 F, BW, VL, DQ and VNNI.
    Avx512Vnni,
    /// aarch64, whose base has NEON.
    Neon,
    /// aarch64 with the dot product instructions.
    NeonDot,
    /// WebAssembly compiled with 128-bit SIMD.
    WasmSimd,
}

impl Isa {
    /// Every set, the fastest of each architecture first.
    pub const ALL: [Self; 6] = [Self::Avx512Vnni, Self::Avx2, Self::NeonDot, Self::Neon, Self::WasmSimd, Self::Scalar];

    /// Its name on command lines and in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Scalar => "scalar",
            Self::Avx2 => "avx2",
            Self::Avx512Vnni => "avx512-vnni",
            Self::Neon => "neon",
            Self::NeonDot => "neon-dot",
            Self::WasmSimd => "wasm-simd",
        }
    }

    /// Whether this processor, or this build where there is no asking at run time, has it.
    pub fn is_available(self) -> bool {
        match self {
            Self::Scalar => true,
            #[cfg(all(target_arch = "x86_64", feature = "std"))]
            Self::Avx2 => std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("f16c"),
            #[cfg(all(target_arch = "x86_64", feature = "std"))]
            Self::Avx512Vnni => {
                Self::Avx2.is_available()
                    && std::arch::is_x86_feature_detected!("avx512f")
                    && std::arch::is_x86_feature_detected!("avx512bw")
                    && std::arch::is_x86_feature_detected!("avx512vl")
                    && std::arch::is_x86_feature_detected!("avx512dq")
                    && std::arch::is_x86_feature_detected!("avx512vnni")
            }
            #[cfg(target_arch = "aarch64")]
            Self::Neon => true,
            #[cfg(all(target_arch = "aarch64", feature = "std"))]
            Self::NeonDot => std::arch::is_aarch64_feature_detected!("dotprod"),
            Self::WasmSimd => cfg!(all(target_arch = "wasm32", target_feature = "simd128")),
            #[allow(unreachable_patterns)]
            _ => false,
        }
    }
}

impl core::fmt::Display for Isa {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        formatter.pad(self.name())
    }
}

impl core::str::FromStr for Isa {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        Self::ALL.into_iter().find(|isa| isa.name() == name).ok_or(Error::UnknownIsa)
    }
}

/// The kernels of an instruction set that this processor has: holding one is the proof that they may be called.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Kernels(Isa);

impl Kernels {
    /// The reference.
    pub const SCALAR: Self = Self(Isa::Scalar);

    /// The kernels for `isa`.
    ///
    /// # Errors
    /// [`Error::NoSuchIsa`] where this processor does not have it.
    pub fn new(isa: Isa) -> Result<Self, Error> {
        if isa.is_available() {
            Ok(Self(isa))
        } else {
            Err(Error::NoSuchIsa(isa))
        }
    }

    /// The fastest kernels of this processor.
    pub fn best() -> Self {
        Self::available().next().unwrap_or(Self::SCALAR)
    }

    /// All kernels of this processor, the fastest first; the reference is the last.
    pub fn available() -> impl Iterator<Item = Self> {
        Isa::ALL.into_iter().filter(|isa| isa.is_available()).map(Self)
    }

    /// The instruction set.
    pub fn isa(self) -> Isa {
        self.0
    }
}

/// Compiles a portable function once for each instruction set: the compiler finds the wide instructions, and as it
/// may neither fuse nor reorder float operations, every version gives the same bits. The body must be, and call,
/// nothing but `#[inline(always)]` functions.
macro_rules! versions {
    ($(#[$attribute:meta])* $visibility:vis fn $name:ident($($argument:ident: $type:ty),* $(,)?) $(-> $result:ty)? = $body:path;) => {
        $(#[$attribute])*
        #[allow(clippy::too_many_arguments, unsafe_code)]
        $visibility fn $name(kernels: $crate::Kernels, $($argument: $type),*) $(-> $result)? {
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx2,f16c")]
                #[allow(clippy::too_many_arguments)]
                fn avx2($($argument: $type),*) $(-> $result)? {
                    $body($($argument),*)
                }
                #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,f16c")]
                #[allow(clippy::too_many_arguments)]
                fn avx512($($argument: $type),*) $(-> $result)? {
                    $body($($argument),*)
                }
                match kernels.isa() {
                    // SAFETY: `Kernels` exists only for instruction sets that the processor has.
                    $crate::Isa::Avx2 => return unsafe { avx2($($argument),*) },
                    // SAFETY: as above.
                    $crate::Isa::Avx512Vnni => return unsafe { avx512($($argument),*) },
                    _ => {}
                }
            }
            let _ = kernels;
            $body($($argument),*)
        }
    };
}
pub(crate) use versions;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back() {
        for isa in Isa::ALL {
            assert_eq!(isa.name().parse(), Ok(isa));
        }
        assert_eq!("mmx".parse::<Isa>(), Err(Error::UnknownIsa));
    }

    #[test]
    fn the_reference_is_always_there_and_others_only_where_they_are() {
        assert_eq!(Kernels::available().last(), Some(Kernels::SCALAR));
        for isa in Isa::ALL {
            assert_eq!(Kernels::new(isa).is_ok(), isa.is_available());
        }
        let foreign = if cfg!(target_arch = "x86_64") { Isa::Neon } else { Isa::Avx2 };
        assert_eq!(Kernels::new(foreign), Err(Error::NoSuchIsa(foreign)));
    }
}
