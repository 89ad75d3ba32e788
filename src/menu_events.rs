//! Events for all models of a menu.

use anyhow::{Context, Result, bail};
use hodoscope_sim::encode::Events;
use hodoscope_sim::npz::Npz;

use crate::execute::{self, Raws};
use crate::files::Columns;
use crate::menu_dir::{MenuDir, inputs_of};

/// The array that holds the tick of each event.
const TICK: &str = "tick";

/// Events for all models of a menu: event k is the k-th of each file.
#[derive(Debug)]
pub struct MenuEvents {
    /// Of each model.
    models: Vec<Events>,
    ticks: Option<Vec<u32>>,
    len: usize,
}

impl MenuEvents {
    /// Reads `inputs`, as they are given, and of them the first `count`.
    pub fn read(
        menu: &MenuDir,
        inputs: &[String],
        columns: &Columns,
        count: Option<u64>,
    ) -> Result<Self> {
        let files = inputs_of(menu, inputs)?;
        let mut models: Vec<Events> = Vec::new();
        let mut ticks: Option<Vec<u32>> = None;
        for ((name, model), path) in menu.models.iter().zip(&files) {
            let npz = columns.read(path)?;
            let events =
                execute::events(&model.program, &npz).with_context(|| format!("model `{name}`"))?;
            models.push(events);
            let is_input = model.program.inputs.iter().any(|input| input.name == TICK);
            if !is_input && npz.contains(TICK) {
                let own = read_ticks(&npz)?;
                if ticks.as_ref().is_some_and(|known| *known != own) {
                    bail!(
                        "{}: its `{TICK}` is not that of another file",
                        path.display()
                    );
                }
                ticks = Some(own);
            }
        }
        let least = models.iter().map(Events::len).min().unwrap_or(0);
        let most = models.iter().map(Events::len).max().unwrap_or(0);
        let len = match count {
            Some(count) if count as usize <= least => count as usize,
            None if least == most => least,
            None => bail!(
                "the files have {least} to {most} events, and event k is the k-th of each; give as many for each model"
            ),
            Some(_) => bail!(
                "the files have {least} to {most} events; give as many for each model, or --events {least} at most"
            ),
        };
        if len == 0 {
            bail!("there is no event");
        }
        if let Some(ticks) = &ticks
            && ticks.len() < len
        {
            bail!("`{TICK}` has {} events, not {len}", ticks.len());
        }
        for ((_, model), events) in menu.models.iter().zip(&mut models) {
            let own = std::mem::replace(events, Events::of_words(&model.program, &[]));
            *events = execute::first(own, &model.program, Some(len as u64));
        }
        Ok(Self { models, ticks, len })
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether a file has ticks.
    pub fn has_ticks(&self) -> bool {
        self.ticks.is_some()
    }

    /// The tick of an event: its index where no file has ticks.
    pub fn tick(&self, event: usize) -> u32 {
        let ticks = self.ticks.as_ref();
        ticks.map_or(event as u32, |ticks| ticks[event])
    }

    /// Those of each model, in the order of the menu's.
    pub fn models(&self) -> &[Events] {
        &self.models
    }

    /// What the interpreter gives, of each model.
    pub fn interpret(&self, menu: &MenuDir) -> Result<Vec<Raws>> {
        let models = menu.models.iter().zip(&self.models);
        models
            .map(|((_, model), events)| Ok(execute::interpret(&model.program, events)?.raws))
            .collect()
    }

    /// An event as it is sent: its tick, and the parts, each with its length before it.
    pub fn payload(&self, menu: &MenuDir, event: usize) -> Result<Vec<u8>> {
        let mut payload = self.tick(event).to_le_bytes().to_vec();
        for model in menu.firsts() {
            let part = self.models[model].payload(event);
            let len = u16::try_from(part.len())
                .with_context(|| format!("event {event} has {} bytes", part.len()))?;
            payload.extend(len.to_le_bytes());
            payload.extend(part);
        }
        Ok(payload)
    }
}

fn read_ticks(npz: &Npz) -> Result<Vec<u32>> {
    let array = npz.array(TICK)?;
    if array.shape().len() != 1 {
        bail!(
            "{}: `{TICK}` is one integer for each event",
            npz.path().display()
        );
    }
    // Ticks wrap at 2³², wherever they come from.
    Ok(array
        .integers()?
        .into_iter()
        .map(|tick| tick as u32)
        .collect())
}
