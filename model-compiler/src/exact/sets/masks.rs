//! Masks of what is live: where only live constituents are computed, a factor that is one for all of them is none, and
//! their sum is the multiplicity.

use hodoscope_program::{Interval, Live, Operation, Program, ValueId, WordRef};

/// The program without products with a mask that is one for every live constituent, and sums of it: the same bits.
pub(super) fn without(program: Program) -> Program {
    let Some(cases) = of_live(&program) else {
        return program;
    };
    let is_one = |id: ValueId| {
        let mut all = cases.iter().flat_map(|intervals| &intervals[id.index()]);
        all.all(|interval| *interval == Interval::point(1))
    };
    let mut own = program.clone();
    let mut stands_for: Vec<ValueId> = (0..program.values.len()).map(ValueId::new).collect();
    for (id, value) in program.values() {
        for operand in own.values[id.index()].operation.operands_mut() {
            *operand = stands_for[operand.index()];
        }
        if let Operation::Sum { x } = value.operation
            && let Some(set) = program.value(x).shape.set()
            && value.shape.channels() == 1
            && is_one(x)
        {
            // What is one for all of them counts them.
            own.values[id.index()].operation = Operation::Count { set };
            continue;
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

/// What each value can be for a live constituent, in each of the cases that make one; nothing where the words do not tell.
fn of_live(program: &Program) -> Option<Vec<Vec<Vec<Interval>>>> {
    let cases = live_words(program);
    let of_case = |(word, live): &(WordRef, Interval)| {
        let mut intervals: Vec<Vec<Interval>> = Vec::with_capacity(program.values.len());
        for value in &program.values {
            let (mut own, _) = program.intervals_of(value, &intervals).ok()?;
            if value.operation == Operation::Input(word.input) {
                *own.get_mut(word.channel)? = *live;
            }
            intervals.push(own);
        }
        Some(intervals)
    };
    // No constituent is live: then nothing is computed of any.
    (!cases.is_empty())
        .then(|| cases.iter().map(of_case).collect())
        .flatten()
}

/// Words that make a constituent live, each with what it is then: one case at least holds of each live constituent.
fn live_words(program: &Program) -> Vec<(WordRef, Interval)> {
    let field = |word: WordRef| program.input(word.input).field(word.channel);
    let between = |word: WordRef, least: i64, most: i64| {
        (least <= most).then(|| (word, Interval::between(least.into(), most.into())))
    };
    let other_than = |word: WordRef, empty: i64| {
        let (minimum, maximum) = (field(word).minimum, field(word).maximum);
        let below = between(word, minimum, maximum.min(empty.saturating_sub(1)));
        let above = between(word, minimum.max(empty.saturating_add(1)), maximum);
        [below, above].into_iter().flatten()
    };
    match program.sets.first().map(|set| set.live) {
        Some(Live::Above { word, threshold }) => {
            let least = field(word).minimum.max(threshold.saturating_add(1));
            between(word, least, field(word).maximum)
                .into_iter()
                .collect()
        }
        Some(Live::NotEqual { word, empty }) => other_than(word, empty).collect(),
        Some(Live::NotEmpty { input }) => {
            let words =
                (0..program.input(input).channels).map(|channel| WordRef { input, channel });
            words
                .flat_map(|word| other_than(word, field(word).empty))
                .collect()
        }
        Some(Live::Always) | None => vec![],
    }
}
