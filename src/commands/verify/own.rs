//! The vectors of a verification: given events, and some of its own; and what they reach.

use anyhow::Result;
use hodoscope_interpreter::Event;
use hodoscope_program::Program;
use hodoscope_sim::encode::Events;
use hodoscope_sim::own::{self, Coverage, Kind, Told};
use serde_json::{Value, json};

use crate::execute;
use crate::progress;
use crate::report::thousands;

/// Given events that own ones begin with, at most.
const PARENTS: usize = 64;

/// Events, and what the interpreter computes of them.
pub struct Group {
    pub is_own: bool,
    pub events: Events,
    /// Of each event all outputs, one after the other.
    pub expected: Vec<Vec<i64>>,
}

impl Group {
    /// The first events, where there are more.
    pub fn first(&self, program: &Program, count: usize) -> Option<Self> {
        let few = count < self.events.len();
        few.then(|| {
            let events: Vec<Event> = (0..count).map(|event| self.events.event(event)).collect();
            Self {
                is_own: self.is_own,
                events: Events::of_words(program, &events),
                expected: self.expected[..count].to_vec(),
            }
        })
    }
}

/// What an event of a group is called.
pub fn kind(is_own: bool) -> &'static str {
    if is_own { "own event" } else { "event" }
}

/// All that is compared.
pub struct Vectors {
    pub groups: [Group; 2],
    coverage: Coverage,
    told: Told,
    /// Values by their names.
    names: Vec<String>,
}

/// Interprets `given`, makes `count` events beside them, and tells what they reach.
pub fn vectors(program: &Program, given: Events, count: usize, seed: u64) -> Result<Vectors> {
    let interpreter = execute::interpreter(program)?;
    let mut coverage = Coverage::new(program, interpreter.proof());
    let bar = progress::events("interpreter", given.len() + count);
    let mut expected = Vec::with_capacity(given.len());
    for event in 0..given.len() {
        expected.push(own::outputs(
            &interpreter,
            &given.event(event),
            &mut coverage,
        )?);
        bar.inc(1);
    }
    let step = (given.len() / PARENTS).max(1);
    let parents: Vec<Event> = (0..given.len())
        .step_by(step)
        .map(|event| given.event(event))
        .collect();
    let made = own::events(&interpreter, &parents, count, seed, &mut coverage)?;
    let (events, raws): (Vec<Event>, Vec<Vec<i64>>) = made.events.into_iter().unzip();
    bar.finish_and_clear();
    Ok(Vectors {
        groups: [
            Group {
                is_own: false,
                events: given,
                expected,
            },
            Group {
                is_own: true,
                events: Events::of_words(program, &events),
                expected: raws,
            },
        ],
        coverage,
        told: made.told,
        names: program.values.iter().map(|v| v.name.clone()).collect(),
    })
}

const KINDS: [(Kind, &str, &str); 3] = [
    (Kind::Cell, "table entries", "cells"),
    (Kind::End, "ends of rescales", "ends"),
    (Kind::Side, "branches", "sides"),
];

impl Vectors {
    pub fn count(&self, is_own: bool) -> usize {
        let own = self.groups.iter().filter(|group| group.is_own == is_own);
        own.map(|group| group.events.len()).sum()
    }

    /// Seen and possible, of all values that have this.
    fn total(&self, kind: Kind) -> (usize, usize) {
        let own = self.coverage.reached.iter().filter(|r| r.kind == kind);
        own.fold((0, 0), |(seen, possible), r| {
            (seen + r.seen(), possible + r.possible())
        })
    }

    /// What was reached.
    pub fn text(&self) -> String {
        let mut text = String::from("reached, of what no proof rules out:\n");
        for (kind, name, _) in KINDS {
            let (seen, possible) = self.total(kind);
            if possible > 0 {
                let (seen, possible) = (thousands(seen as u64), thousands(possible as u64));
                text += &format!("  {seen} of {possible} {name}\n");
            }
        }
        for set in &self.coverage.sets {
            text += &format!(
                "  set `{}`: {} of {} multiplicities, {} events with more slots, {} with empty ones\n",
                set.name,
                set.multiplicities.len(),
                set.capacity + 1,
                thousands(set.beyond as u64),
                thousands(set.holes as u64)
            );
        }
        for output in &self.coverage.outputs {
            let distinct = output.distinct.len();
            let more = if distinct >= own::DISTINCT {
                " or more"
            } else {
                ""
            };
            text += &format!(
                "  output `{}`: {}{more} different answers\n",
                output.name,
                thousands(distinct as u64)
            );
        }
        let Told {
            told,
            mutants,
            events,
        } = self.told;
        if mutants > 0 {
            let [told, mutants, events] = [told, mutants, events].map(|n| thousands(n as u64));
            text += &format!(
                "  {told} of {mutants} changes of the program (a weight, an entry, a rounding, a limit) show in an answer; the others in none of {events} events tried\n"
            );
        }
        text
    }

    /// Where that is little, and what to do.
    pub fn warnings(&self) -> Vec<String> {
        let more = format!("try --own {}", (4 * self.count(true)).max(1024));
        let mut warnings = Vec::new();
        for output in &self.coverage.outputs {
            if output.distinct.len() < 2 && !output.is_constant {
                warnings.push(format!(
                    "output `{}` is the same for all events: what it depends on is not compared; {more}, or events that show it",
                    output.name
                ));
            }
        }
        for (kind, _, parts) in KINDS {
            let little = |seen: usize, possible: usize| match kind {
                Kind::Cell => 4 * seen < possible,
                // Intervals are wide: many ends cannot be reached, though no proof rules them out.
                Kind::End => 20 * seen < possible,
                Kind::Side => 2 * seen < possible,
            };
            let own = self.coverage.reached.iter().filter(|r| r.kind == kind);
            let poor: Vec<_> = own.filter(|r| little(r.seen(), r.possible())).collect();
            // Ends are judged together.
            let (seen, possible) = self.total(kind);
            if poor.is_empty() || kind == Kind::End && !little(seen, possible) {
                continue;
            }
            let least = poor.iter().min_by_key(|r| 1000 * r.seen() / r.possible());
            let Some(least) = least else { continue };
            let others = match poor.len() {
                1 => String::new(),
                n => format!(", and few of {} other values", n - 1),
            };
            warnings.push(format!(
                "only {} of {} {parts} of `{}` were reached{others}: what lies there is not compared; {more}, or events that reach them",
                thousands(least.seen() as u64),
                thousands(least.possible() as u64),
                self.names[least.value.index()]
            ));
        }
        for set in &self.coverage.sets {
            let reached = |n| set.multiplicities.contains(&n);
            if !reached(0) || !reached(set.capacity) || set.beyond == 0 {
                warnings.push(format!(
                    "set `{}`: no event has no constituents, or none has {}, or more slots; {more}",
                    set.name, set.capacity
                ));
            }
        }
        warnings
    }

    pub fn json(&self) -> Value {
        let values = self.coverage.reached.iter().map(|reached| {
            let kind = KINDS.iter().find(|(kind, ..)| *kind == reached.kind);
            json!({
                "value": self.names[reached.value.index()],
                "what": kind.map(|(.., parts)| parts),
                "reached": reached.seen(),
                "possible": reached.possible(),
            })
        });
        json!({
            "values": values.collect::<Vec<_>>(),
            "changes": {
                "tried": self.told.mutants,
                "show_in_an_answer": self.told.told,
                "events_tried": self.told.events,
            },
            "sets": self.coverage.sets.iter().map(|set| json!({
                "name": set.name,
                "capacity": set.capacity,
                "multiplicities": set.multiplicities,
                "events_with_more_slots": set.beyond,
                "events_with_empty_slots": set.holes,
            })).collect::<Vec<_>>(),
            "outputs": self.coverage.outputs.iter().map(|output| json!({
                "name": output.name,
                "different_answers": output.distinct.len(),
                "different_answers_are_counted_to": own::DISTINCT,
            })).collect::<Vec<_>>(),
        })
    }
}
