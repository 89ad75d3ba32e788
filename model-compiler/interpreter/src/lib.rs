//! The golden model.
