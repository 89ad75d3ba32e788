//! The Verilog of a model against the interpreter.

use std::path::Path;

use anyhow::Result;
use serde_json::{Value, json};

use super::own::{self, Vectors};
use super::{Target, compare};
use crate::execute::{self, Answers, Raws};
use crate::fabric::{Fabric, NAME, SOURCE, is_marked};
use crate::model_dir::ModelDir;
use crate::report::thousands;

/// What there is besides raws.
pub(super) struct Figures {
    stated: u32,
    /// The least and most clocks that an event took.
    clocks: Option<(u32, u32)>,
    /// Events that were marked, as they are to be.
    marked: u64,
    /// The first event that is marked and should not be, or the other way round.
    wrongly: Option<(bool, usize)>,
}

/// Lets all events go through the Verilog.
pub(super) fn target(
    model: &ModelDir,
    rtl: Option<&Path>,
    vectors: &Vectors,
    seed: u64,
) -> Result<Target> {
    let program = &model.program;
    let fabric = Fabric::read(program, &model.dir, rtl)?;
    let mut target = Target::new(NAME, SOURCE);
    target.is_logic = true;
    let mut figures = Figures {
        stated: fabric.stated()?,
        clocks: None,
        marked: 0,
        wrongly: None,
    };
    for group in vectors.groups.iter().filter(|g| !g.events.is_empty()) {
        // Each group begins with registers of its own.
        let answered = fabric.run(&group.events, seed.wrapping_add(group.is_own.into()))?;
        let mut raws = Raws::of(program, answered.len());
        for (event, answered) in answered.into_iter().enumerate() {
            let (least, most) = figures.clocks.unwrap_or((answered.clocks, answered.clocks));
            figures.clocks = Some((least.min(answered.clocks), most.max(answered.clocks)));
            let marked = is_marked(program, &fabric.circuit, &group.events, event);
            if marked != answered.answer.is_marked && figures.wrongly.is_none() {
                figures.wrongly = Some((group.is_own, event));
            }
            figures.marked += u64::from(marked);
            // A marked event has no answer that could be compared.
            raws.push(match marked {
                true => &group.expected[event],
                false => &answered.answer.raws,
            })?;
        }
        let answers = Answers {
            raws,
            source: SOURCE,
            instructions: None,
            cycles: None,
            stack: None,
        };
        compare(program, &mut target, group, &answers);
    }
    let bits_of_an_event = execute::outputs(program)
        .iter()
        .map(|output| output.width as u64 * u64::from(output.bits))
        .sum::<u64>();
    target.bits -= figures.marked * bits_of_an_event;
    target.fabric = Some(figures);
    Ok(target)
}

impl Figures {
    pub fn text(&self) -> String {
        let mut text = format!(
            "    {} clocks for every event, one each clock\n",
            self.stated
        );
        if self.marked > 0 {
            text += &format!(
                "    {} events of too many constituents: marked, their raws not compared\n",
                thousands(self.marked)
            );
        }
        text
    }

    pub fn failure(&self) -> Option<String> {
        if let Some((is_own, event)) = self.wrongly {
            return Some(format!(
                "{NAME}: {} {event} is marked and should not be, or should be marked and is not",
                own::kind(is_own)
            ));
        }
        let (least, most) = self.clocks?;
        let is_as_stated = (least, most) == (self.stated, self.stated);
        (!is_as_stated).then(|| {
            format!(
                "{NAME}: events took {least} to {most} clocks, and {} were stated",
                self.stated
            )
        })
    }

    pub fn json(&self) -> Value {
        json!({
            "stated_latency_clocks": self.stated,
            "least_latency_clocks": self.clocks.map(|clocks| clocks.0),
            "most_latency_clocks": self.clocks.map(|clocks| clocks.1),
            "events_marked": self.marked,
        })
    }
}
