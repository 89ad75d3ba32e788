//! Logging that compiles to nothing without the feature `defmt`.

/// `log!(info, "…", args)`: what `defmt::info!` does, if it is there.
macro_rules! log {
    ($level:ident, $text:literal $(, $argument:expr)* $(,)?) => {{
        #[cfg(feature = "defmt")]
        defmt::$level!($text $(, $argument)*);
        #[cfg(not(feature = "defmt"))]
        {
            $(let _ = &$argument;)*
        }
    }};
}

pub(crate) use log;
