//! Names of a file, which stand in messages, reports and emitted code: what would break a line there, or turn text around, is
//! no part of one.

use super::ImportError;
use super::proto::GraphProto;

/// Bytes of a name; exporters write some hundred of them at most.
const LONGEST: usize = 4_096;

/// Characters of a name that a message shows, where there is something wrong with it.
const SHOWN: usize = 80;

/// Refuses names that hold control or bidirectional characters, or are longer than any exporter's.
///
/// # Errors
/// The first such name.
pub(super) fn check(graph: &GraphProto) -> Result<(), ImportError> {
    let ends = graph.input.iter().chain(&graph.output);
    let ends = ends.map(|value| ("input or output", &value.name));
    let constants = graph.initializer.iter().map(|t| ("tensor", &t.name));
    let nodes = graph.node.iter().flat_map(|node| {
        let values = node.input.iter().chain(&node.output);
        let values = values.map(|name| ("value", name));
        let own = [
            ("node", &node.name),
            ("operator", &node.op_type),
            ("domain", &node.domain),
        ];
        own.into_iter().chain(values)
    });
    let own = [("graph", &graph.name)];
    for (what, name) in own.into_iter().chain(ends).chain(constants).chain(nodes) {
        let detail = if name.len() > LONGEST {
            format!("has {} bytes; {LONGEST} are the most", name.len())
        } else if let Some(wrong) = name.chars().find(|&c| is_misleading(c)) {
            format!(
                "holds the character {}, which shows text as what it is not",
                wrong.escape_unicode()
            )
        } else {
            continue;
        };
        return Err(ImportError::Name {
            what,
            name: shown(name),
            detail,
        });
    }
    // Branches of If are graphs, too.
    let branches = graph.node.iter().flat_map(|node| &node.attribute);
    let mut branches = branches.filter_map(|attribute| attribute.g.as_ref());
    branches.try_for_each(check)
}

/// Whether it controls how text is shown: it breaks lines, or sets their direction.
fn is_misleading(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{61c}'
                | '\u{200e}'
                | '\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2066}'..='\u{2069}'
        )
}

/// The beginning of a name, with characters written out that a terminal would obey.
fn shown(name: &str) -> String {
    let mut text = String::new();
    for c in name.chars().take(SHOWN) {
        match is_misleading(c) {
            true => text.extend(c.escape_unicode()),
            false => text.push(c),
        }
    }
    if name.chars().nth(SHOWN).is_some() {
        text.push('…');
    }
    text
}
