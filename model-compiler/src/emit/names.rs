//! Names in emitted crates.

use hodoscope_program::{Input, Program, Value, ValueId};

use crate::plan::layout::Layout;
use crate::plan::{Isa, storage_bits};

/// Package name of a program: letters, digits, `-` and `_`.
pub fn crate_name(program: &Program) -> String {
    let name: String = program.name.replace('.', "-");
    // A package of the name of a keyword, or of one of its dependencies, cannot be built.
    let taken = [
        "core",
        "std",
        "alloc",
        "test",
        "proc-macro",
        "hodoscope-kernels",
        "fixed",
        "heapless",
    ];
    if taken.contains(&name.as_str()) || is_keyword(&name) {
        format!("{name}-model")
    } else {
        name
    }
}

/// Type name of a program: `pfn-qg` is `PfnQg`.
pub fn type_name(program: &Program) -> String {
    let words = program.name.split(|c: char| !c.is_ascii_alphanumeric());
    let name: String = words
        .filter_map(|word| {
            let mut letters = word.chars();
            let first = letters.next()?.to_ascii_uppercase();
            Some(std::iter::once(first).chain(letters).collect::<String>())
        })
        .collect();
    // What else an emitted crate names, or takes from the prelude.
    let reserved = [
        "Constituent",
        "Default",
        "Deployed",
        "Event",
        "EventError",
        "Hardest",
        "Header",
        "InputInfo",
        "Iterator",
        "Model",
        "Observer",
        "Ok",
        "OutputInfo",
        "Outputs",
        "PhantomData",
        "Plan",
        "Pushed",
        "Raws",
        "Result",
        "Self",
        "Target",
        "Threshold",
    ];
    let reserved =
        |name: &str| reserved.contains(&name) || Isa::ALL.iter().any(|isa| isa.type_name() == name);
    match name.chars().next() {
        Some(c) if c.is_ascii_alphabetic() && !reserved(&name) => name,
        _ => format!("Model{name}"),
    }
}

/// A field or method name, from any name.
pub(super) fn snake(name: &str) -> String {
    let lower = name.to_ascii_lowercase();
    let words = lower.split(|c: char| !c.is_ascii_alphanumeric());
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    let mut snake = words.join("_");
    if !snake.starts_with(|c: char| c.is_ascii_alphabetic()) {
        snake.insert(0, 'v');
    }
    if is_keyword(&snake) {
        snake.push('_');
    }
    snake
}

/// Distinct field names, in the order of `names`.
pub(super) fn fields<'a>(names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut taken: Vec<String> = Vec::new();
    for name in names {
        let base = snake(name);
        let mut candidate = base.clone();
        let mut count = 1;
        while taken.contains(&candidate) {
            count += 1;
            candidate = format!("{base}_{count}");
        }
        taken.push(candidate);
    }
    taken
}

/// A static's name: its index makes it unique, its name readable.
pub(super) fn constant(index: usize, name: &str) -> String {
    format!("C{index}_{}", snake(name).to_ascii_uppercase())
}

/// The static that a layout packs for the dense layer of value `id`; for blocks of `rows` where that makes a difference.
pub(super) fn packed(id: usize, layout: Layout, what: &str, rows: Option<usize>) -> String {
    let name = format!("S{id}_{}_{what}", layout.name().to_ascii_uppercase());
    match rows {
        Some(rows) => format!("{name}_BY_{rows}"),
        None => name,
    }
}

/// The table of a value over the detector's grid.
pub(super) fn cells(id: ValueId) -> String {
    format!("G{}_CELLS", id.index())
}

/// A value's variable.
pub(super) fn variable(id: ValueId) -> String {
    format!("v{}", id.index())
}

/// The Rust type in which a value is stored.
pub(super) fn storage(value: &Value) -> String {
    format!("i{}", storage_bits(value.element))
}

/// Whether an input's words may be whatever the type that stores `value` holds: there is nothing to clamp.
pub(super) fn fills_type(input: &Input, value: &Value) -> bool {
    let half = 1i64 << (storage_bits(value.element).min(63) - 1);
    let mut fields = input.fields.iter();
    fields.all(|field| field.minimum == -half && field.maximum == half - 1)
}

/// A value's array type.
pub(super) fn array(value: &Value) -> String {
    format!("[{}; {}]", storage(value), value.shape.channels())
}

fn is_keyword(word: &str) -> bool {
    const KEYWORDS: [&str; 52] = [
        "as", "async", "await", "break", "const", "continue", "crate", "dyn", "else", "enum",
        "extern", "false", "fn", "for", "gen", "if", "impl", "in", "let", "loop", "match", "mod",
        "move", "mut", "pub", "ref", "return", "self", "static", "struct", "super", "trait",
        "true", "type", "unsafe", "use", "where", "while", "abstract", "become", "box", "do",
        "final", "macro", "override", "priv", "typeof", "unsized", "virtual", "yield", "try",
        "union",
    ];
    KEYWORDS.contains(&word)
}
