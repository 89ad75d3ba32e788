//! Which slots are live, and what the words of the others can be.

use hodoscope_program::{Field, InputId, Interval, Live, Program, WordRef};

use crate::graph::Graph;
use crate::graph::sets::SetAxis;

/// An input of the set.
#[derive(Clone, Debug)]
pub(super) struct Member {
    pub input: InputId,
    /// Words of one slot.
    pub channels: usize,
    /// Fields that repeat along them.
    pub fields: Vec<Field>,
}

/// A live rule, with the words that a slot can have which is not live.
#[derive(Clone, Debug)]
pub(super) struct Rule {
    pub live: Live,
    /// By member and channel.
    pub dead: Vec<Vec<Interval>>,
}

impl Rule {
    /// Slots of empty words are not live; with several inputs each row counts as it is. Missing ones are empty.
    pub fn plain(padded: &Program, inputs: &[Member]) -> Self {
        let empty = |member: &Member| {
            let channels = 0..member.channels;
            channels
                .map(|c| Interval::point(member.field(c).empty.into()))
                .collect()
        };
        Self {
            live: plain(padded, inputs),
            dead: inputs.iter().map(empty).collect(),
        }
    }

    /// A slot is dead whose word lies in an interval, whatever its other words are.
    fn by_word(inputs: &[Member], word: (usize, usize), dead: Interval, live: Live) -> Self {
        let words = |(index, member): (usize, &Member)| {
            let channels = 0..member.channels;
            channels
                .map(|c| match (index, c) == word {
                    true => dead,
                    false => Interval::of_field(member.field(c)),
                })
                .collect()
        };
        Self {
            live,
            dead: inputs.iter().enumerate().map(words).collect(),
        }
    }

    /// The word that decides, by which the hardest are kept where nothing else is stated.
    pub fn word(&self) -> Option<WordRef> {
        match self.live {
            Live::Above { word, .. } | Live::NotEqual { word, .. } => Some(word),
            Live::Always | Live::NotEmpty { .. } => None,
        }
    }
}

impl Member {
    pub fn field(&self, channel: usize) -> &Field {
        &self.fields[channel % self.fields.len()]
    }
}

pub(super) fn plain(_: &Program, inputs: &[Member]) -> Live {
    match inputs {
        [only] => Live::NotEmpty { input: only.input },
        _ => Live::Always,
    }
}

/// The inputs of the set, their words the same in all slots.
pub(super) fn inputs(
    padded: &Program,
    graph: &Graph,
    axis: &SetAxis,
) -> Result<Vec<Member>, String> {
    let member = |index: &usize| {
        let input = &graph.inputs()[*index];
        let slots = axis.of(input.value).ok_or("an input without slots")?;
        let name = &input.name;
        if slots.outer != 1 {
            return Err(format!(
                "the slots of '{name}' stand behind its features; export it with an axis of slots first"
            ));
        }
        let place = padded.inputs.iter().position(|own| own.name == *name);
        let id = InputId::new(place.ok_or("an input is missing")?);
        let own = padded.input(id);
        let unnamed = |channel: usize| Field {
            name: String::new(),
            ..own.field(channel).clone()
        };
        let channels = slots.inner;
        if (channels..own.channels).any(|c| unnamed(c) != unnamed(c % channels)) {
            return Err(format!("the words of '{name}' differ from slot to slot"));
        }
        let fields = match channels.is_multiple_of(own.fields.len()) {
            true => own.fields.clone(),
            false => (0..channels).map(|c| own.field(c).clone()).collect(),
        };
        Ok(Member {
            input: id,
            channels,
            fields,
        })
    };
    axis.inputs.iter().map(member).collect()
}

/// The program under the rule of one word, where one decides alone what a slot adds: a mask, or a weight.
pub(super) fn masked<T>(
    inputs: &[Member],
    try_with: &dyn Fn(Rule) -> Result<T, String>,
) -> Option<T> {
    for (index, member) in inputs.iter().enumerate() {
        for channel in 0..member.channels {
            let field = member.field(channel);
            let word = WordRef {
                input: member.input,
                channel,
            };
            let with = |dead: Interval, live: Live| {
                try_with(Rule::by_word(inputs, (index, channel), dead, live))
            };
            let above = |threshold: i64| {
                let dead = Interval::between(field.minimum.into(), threshold.into());
                with(dead, Live::Above { word, threshold })
            };
            let empty = field.empty;
            let one = Interval::point(empty.into());
            let Ok(not_empty) = with(one, Live::NotEqual { word, empty }) else {
                continue;
            };
            if field.minimum == field.maximum || above(field.maximum).is_ok() {
                // It decides nothing.
                continue;
            }
            let Ok(mut best) = above(empty) else {
                return Some(not_empty);
            };
            // The largest threshold below which no slot adds anything else.
            let (mut low, mut high) = (empty, field.maximum);
            while high - low > 1 {
                let middle = low + (high - low) / 2;
                match above(middle) {
                    Ok(program) => (low, best) = (middle, program),
                    Err(_) => high = middle,
                }
            }
            return Some(best);
        }
    }
    None
}

/// Where no word decides, and an empty slot counts: the word that is not zero, and would not count if it were.
pub(super) fn counted<T>(
    padded: &Program,
    inputs: &[Member],
    try_with: &dyn Fn(Rule) -> Result<T, String>,
) -> Option<String> {
    for (index, member) in inputs.iter().enumerate() {
        for channel in 0..member.channels {
            let field = member.field(channel);
            let zero = field.encode(0.0).ok()?;
            if zero.saturated || zero.word == field.empty {
                continue;
            }
            let word = WordRef {
                input: member.input,
                channel,
            };
            let with = |dead: Interval, live: Live| {
                try_with(Rule::by_word(inputs, (index, channel), dead, live)).is_ok()
            };
            let empty = zero.word;
            let all = Interval::of_field(field);
            let threshold = field.maximum;
            // What decides nothing is no mask.
            let decides = !with(all, Live::Above { word, threshold });
            if decides
                && with(
                    Interval::point(empty.into()),
                    Live::NotEqual { word, empty },
                )
            {
                let (name, unit) = (&padded.input(member.input).name, field.unit.as_str());
                let value = field.decode(field.empty);
                return Some(format!(
                    "an empty slot counts: its '{}' of '{name}' is {value} {unit}{}(word {}), which the mask lets pass, and not 0; \
                     where empty slots are none, state `empty = {empty}`",
                    field.name,
                    if unit.is_empty() { "" } else { " " },
                    field.empty
                ));
            }
        }
    }
    None
}
