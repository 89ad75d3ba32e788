//! Keywords of roundings and overflows.

use crate::{Overflow, Rounding};

const ROUNDINGS: [(&str, Rounding); 7] = [
    ("trn", Rounding::Trn),
    ("trn_zero", Rounding::TrnZero),
    ("rnd", Rounding::Rnd),
    ("rnd_conv", Rounding::RndConv),
    ("rnd_zero", Rounding::RndZero),
    ("rnd_inf", Rounding::RndInf),
    ("rnd_min_inf", Rounding::RndMinInf),
];

const OVERFLOWS: [(&str, Overflow); 4] = [
    ("sat", Overflow::Sat),
    ("sat_sym", Overflow::SatSym),
    ("sat_zero", Overflow::SatZero),
    ("wrap", Overflow::Wrap),
];

pub(super) fn rounding(keyword: &str) -> Option<Rounding> {
    by_keyword(&ROUNDINGS, keyword)
}

pub(super) fn overflow(keyword: &str) -> Option<Overflow> {
    by_keyword(&OVERFLOWS, keyword)
}

pub(super) fn of_rounding(rounding: Rounding) -> &'static str {
    keyword(&ROUNDINGS, rounding)
}

pub(super) fn of_overflow(overflow: Overflow) -> &'static str {
    keyword(&OVERFLOWS, overflow)
}

fn by_keyword<T: Copy>(table: &[(&str, T)], keyword: &str) -> Option<T> {
    table.iter().find(|(k, _)| *k == keyword).map(|(_, x)| *x)
}

fn keyword<T: PartialEq>(table: &[(&'static str, T)], wanted: T) -> &'static str {
    table
        .iter()
        .find(|(_, x)| *x == wanted)
        .map_or("", |(k, _)| k)
}
