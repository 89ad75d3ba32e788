//! One file per subcommand.

pub mod boards;
pub mod cache;
pub mod compile;
pub mod evaluate;
pub mod flash;
pub mod inspect;
pub mod latency;
pub mod manual;
pub mod package;
pub mod replay;
pub mod rtl;
pub mod run;
pub mod stream;
pub mod synth;
pub mod trace;
pub mod verify;
