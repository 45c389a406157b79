//! NEON, with and without the dot product instructions.
