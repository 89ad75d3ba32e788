//! Dense layers, one module per way to hold their weights.
//!
//! Every layout has a portable body, so that the host runs the plan of every core, and where it pays
//! an assembly body in [`crate::arch`]. All have the two functions `dense` (sums as they are) and
//! `dense_rescale` (sums rescaled and saturated), with the arguments of [`rows`]. What `weights`
//! and `bias` hold is a layout's own: the compiler packs them, and has proved that the layout's
//! arithmetic is exact for them.

pub mod byte_quads;
pub mod groups;
pub mod packed_words;
pub mod row_blocks;
pub mod rows;
