//! Targets, verification and physics figures.
