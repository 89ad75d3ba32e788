//! A menu as boards have it.

use hodoscope_menu as board;

use super::{Condition, Menu, MenuError, Prescale};

impl Menu {
    /// The code of this menu, for boards.
    ///
    /// # Errors
    /// [`MenuError::Nodes`] when its conditions are too many.
    pub fn code(&self) -> Result<Vec<u8>, MenuError> {
        let mut nodes = Vec::new();
        let mut lines = Vec::new();
        for line in &self.lines {
            lines.push(board::Line {
                when: node(&line.when, &mut nodes),
                veto: line.veto.as_ref().map(|veto| node(veto, &mut nodes)),
                prescale: match line.prescale {
                    Prescale::Every(1) => board::Prescale::All,
                    Prescale::Every(every) => board::Prescale::Every(every),
                    Prescale::Keep { chance, seed } => board::Prescale::Keep { chance, seed },
                },
                shadow: line.shadow,
            });
        }
        let count = nodes.len();
        let mut code = vec![0; board::CODE];
        let menu = board::Menu::new(&nodes, &lines);
        match menu.as_ref().and_then(|menu| menu.encode(&mut code)) {
            Some(code) => Ok(code.to_vec()),
            None => Err(MenuError::Nodes { nodes: count }),
        }
    }
}

/// The number of a condition's node. Equal ones are one: what they remember is equal, too.
fn node(condition: &Condition, nodes: &mut Vec<board::Node>) -> u8 {
    let made = match condition {
        Condition::Always => board::Node::Always,
        &Condition::Random { chance, seed } => board::Node::Random { chance, seed },
        &Condition::Score { raw, threshold } => board::Node::Score {
            raw: u16::try_from(raw).unwrap_or(u16::MAX),
            threshold,
        },
        Condition::Not(inner) => board::Node::Not(node(inner, nodes)),
        Condition::All(parts) => return chain(parts, board::Node::And, nodes),
        Condition::Any(parts) => return chain(parts, board::Node::Or, nodes),
        Condition::Within(inner, ticks) => board::Node::Within {
            node: node(inner, nodes),
            ticks: *ticks,
        },
    };
    number(made, nodes)
}

fn chain(parts: &[Condition], join: fn(u8, u8) -> board::Node, nodes: &mut Vec<board::Node>) -> u8 {
    let mut numbers = parts.iter();
    let first = numbers.next().map_or(0, |part| node(part, nodes));
    numbers.fold(first, |joined, part| {
        let part = node(part, nodes);
        number(join(joined, part), nodes)
    })
}

fn number(made: board::Node, nodes: &mut Vec<board::Node>) -> u8 {
    let number = nodes.iter().position(|node| *node == made);
    let number = number.unwrap_or_else(|| {
        nodes.push(made);
        nodes.len() - 1
    });
    // Whoever has that many is refused.
    u8::try_from(number).unwrap_or(u8::MAX)
}
