//! Dense layers, one module per way to hold their weights.
//!
//! Every layout has a portable body, so that the host runs the plan of every core, and where it pays
//! an assembly body in [`crate::arch`]. All have the two functions `dense` (sums as they are) and
//! `dense_rescale` (sums rescaled and saturated), with the arguments of [`rows`]. What `weights`
//! and `bias` hold is a layout's own: the compiler packs them, and has proved that the layout's
//! arithmetic is exact for them.
//!
//! The layouts for DSP instructions read [`pairs`] of 16-bit activations and one `stream` of words
//! that holds all of a layer's constants; their limits are constants of their type.

pub mod byte_pairs;
pub mod byte_quads;
pub mod groups;
pub mod half_pairs;
pub mod nested_pairs;
pub mod packed_words;
pub mod pairs;
pub mod row_blocks;
pub mod rows;
mod stream;
