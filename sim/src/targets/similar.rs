//! What somebody who mistyped a name may have meant.

/// Below that two names have little in common.
const ALIKE: f64 = 0.8;

/// The name among `known` that is most like `name`, where one is.
pub fn similar<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let name = name.to_lowercase();
    let alike = known.into_iter().map(|other| {
        let likeness = strsim::jaro_winkler(&name, &other.to_lowercase());
        (likeness, other)
    });
    let (likeness, other) = alike.max_by(|a, b| a.0.total_cmp(&b.0))?;
    (likeness > ALIKE).then_some(other)
}

/// For a message: ` (did you mean …?)`, or nothing.
pub fn told<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let similar = similar(name, known);
    similar.map_or(String::new(), |other| format!(" (did you mean `{other}`?)"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_meant_is_found() {
        let boards = ["mps2-an386", "mps2-an385", "virt-rv32", "nucleo-f446re"];
        for (name, meant) in [
            ("mps2-an368", Some("mps2-an386")),
            ("virt-riscv32", Some("virt-rv32")),
            ("Nucleo-F446", Some("nucleo-f446re")),
            ("de10-nano", None),
            ("", None),
        ] {
            assert_eq!(similar(name, boards), meant, "{name}");
        }
        assert_eq!(told("vrit-rv32", boards), " (did you mean `virt-rv32`?)");
    }
}
