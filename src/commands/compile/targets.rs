//! For which cores layers are planned, and what these can spare.

use anyhow::{Context, Result};
use hodoscope_compiler::Target;
use hodoscope_compiler::plan::Isa;
use hodoscope_sim::targets::board;

use super::Args;
use crate::own_boards;

/// The instruction sets of the boards, each with what its boards can spare for tables; without any,
/// all that have a plan of their own, but for those of which a board must be named.
pub(super) fn targets(args: &Args) -> Result<Vec<Target>> {
    let (boards, tables, layouts) = (&args.boards, args.efn_table, args.layouts);
    // Not the user's own, which are named: what is compiled does not depend on where this runs.
    let all = board::names();
    let names = if boards.is_empty() { &all } else { boards };
    let mut targets: Vec<Target> = vec![];
    for name in names {
        let board = own_boards::find(name).context("--board")?;
        let (isa, table_bytes) = (board.isa, tables.on(&board));
        match targets.iter_mut().find(|target| target.isa == isa) {
            _ if boards.is_empty() && isa.is_on_request() => {}
            Some(target) => target.table_bytes = target.table_bytes.min(table_bytes),
            None => targets.push(Target {
                isa,
                table_bytes,
                layouts,
            }),
        }
    }
    if boards.is_empty() {
        let planned: Vec<Isa> = targets.iter().map(|target| target.isa).collect();
        let others = Isa::ALL
            .into_iter()
            .filter(|isa| !planned.contains(isa) && !isa.is_on_request());
        targets.extend(others.map(|isa| Target {
            isa,
            table_bytes: tables.without_board(),
            layouts,
        }));
    }
    Ok(targets)
}
