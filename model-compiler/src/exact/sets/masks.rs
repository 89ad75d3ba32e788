//! Masks of what is live: where only live constituents are computed, a factor that is one for all of them is none.

use hodoscope_program::{Interval, Live, Operation, Program, ValueId, WordRef};

/// The program without products with a mask that is one for every live constituent: the same bits.
pub(super) fn without(program: Program) -> Program {
    let Some(intervals) = of_live(&program) else {
        return program;
    };
    let is_one = |id: ValueId| {
        let mut all = intervals[id.index()].iter();
        all.all(|interval| *interval == Interval::point(1))
    };
    let mut own = program.clone();
    let mut stands_for: Vec<ValueId> = (0..program.values.len()).map(ValueId::new).collect();
    for (id, value) in program.values() {
        for operand in own.values[id.index()].operation.operands_mut() {
            *operand = stands_for[operand.index()];
        }
        let Operation::Mul { a, b } = value.operation else {
            continue;
        };
        let factor = [(a, b), (b, a)].into_iter().find(|(x, mask)| {
            value.shape.set().is_some() && program.value(*x).shape == value.shape && is_one(*mask)
        });
        if let Some((x, _)) = factor {
            stands_for[id.index()] = stands_for[x.index()];
        }
    }
    let own = crate::exact::tidy::without_dead(own);
    match own.verify() {
        Ok(_) => own,
        Err(_) => program,
    }
}

/// What each value can be for a live constituent; nothing where the words do not tell.
fn of_live(program: &Program) -> Option<Vec<Vec<Interval>>> {
    let (WordRef { input, channel }, live) = live_words(program)?;
    let mut intervals: Vec<Vec<Interval>> = Vec::with_capacity(program.values.len());
    for value in &program.values {
        let (mut own, _) = program.intervals_of(value, &intervals).ok()?;
        if value.operation == Operation::Input(input) {
            *own.get_mut(channel)? = live;
        }
        intervals.push(own);
    }
    Some(intervals)
}

/// The word that tells live constituents from others, and what it is in a live one.
fn live_words(program: &Program) -> Option<(WordRef, Interval)> {
    let ends = |word: WordRef| {
        let field = program.input(word.input).field(word.channel);
        (field.minimum, field.maximum)
    };
    let (word, least, most) = match program.sets.first()?.live {
        Live::Above { word, threshold } => {
            let (minimum, maximum) = ends(word);
            (word, minimum.max(threshold.saturating_add(1)), maximum)
        }
        Live::NotEqual { word, empty } => match ends(word) {
            (minimum, maximum) if minimum == empty => (word, minimum + 1, maximum),
            (minimum, maximum) if maximum == empty => (word, minimum, maximum - 1),
            _ => return None,
        },
        Live::Always | Live::NotEmpty { .. } => return None,
    };
    // No constituent is live: then nothing is computed of any.
    (least <= most).then(|| (word, Interval::between(least.into(), most.into())))
}
