//! What the plugin is told on QEMU's command line.

use std::path::PathBuf;

use crate::window::Span;

/// `begin=ADDRESS+SIZE,end=ADDRESS+SIZE,out=FILE`, addresses and sizes in hexadecimal, and perhaps
/// `paths=FILE`.
#[derive(Debug, PartialEq, Eq)]
pub struct Arguments {
    /// The function that opens a window.
    pub begin: Span,
    /// The function that closes it.
    pub end: Span,
    /// One little-endian u64 per window.
    pub out: PathBuf,
    /// What every window executed; not recorded without.
    pub paths: Option<PathBuf>,
}

impl Arguments {
    /// Reads the arguments, each `KEY=VALUE`.
    ///
    /// # Errors
    /// What is missing or wrong.
    pub fn parse<'a>(arguments: impl Iterator<Item = &'a str>) -> Result<Self, String> {
        let (mut begin, mut end, mut out, mut paths) = (None, None, None, None);
        for argument in arguments {
            match argument.split_once('=') {
                Some(("begin", value)) => begin = Some(span(value)?),
                Some(("end", value)) => end = Some(span(value)?),
                Some(("out", value)) => out = Some(PathBuf::from(value)),
                Some(("paths", value)) => paths = Some(PathBuf::from(value)),
                _ => return Err(format!("unknown argument `{argument}`")),
            }
        }
        Ok(Self {
            begin: begin.ok_or("`begin` is missing")?,
            end: end.ok_or("`end` is missing")?,
            out: out.ok_or("`out` is missing")?,
            paths,
        })
    }
}

fn span(value: &str) -> Result<Span, String> {
    let hexadecimal = |text: &str| u64::from_str_radix(text.trim_start_matches("0x"), 16).ok();
    value
        .split_once('+')
        .and_then(|(address, size)| {
            Some(Span {
                address: hexadecimal(address)?,
                size: hexadecimal(size)?,
            })
        })
        .ok_or_else(|| format!("`{value}` is not ADDRESS+SIZE in hexadecimal"))
}
