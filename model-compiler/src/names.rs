//! Names of the text form.

/// A name of the text form, from any name: `/phi/phi.0/MatMul` becomes `phi_phi.0_MatMul`.
pub(crate) fn identifier(name: &str) -> String {
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    let replaced: String = name
        .trim_start_matches(|c: char| !legal(c))
        .chars()
        .map(|c| if legal(c) { c } else { '_' })
        .collect();
    if replaced.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
        replaced
    } else {
        format!("v{replaced}")
    }
}
