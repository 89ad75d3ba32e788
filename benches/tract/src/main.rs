//! Answers events with tract, timed by its parent: `benches/throughput/peers.rs` has the protocol.
//!
//! `hodoscope-bench-tract MODEL EVENTS SHAPE...`: an ONNX file, the events as little-endian floats, and the shape of
//! one event. tract computes on the thread that calls it.

use std::io::{BufRead as _, Write as _};

use anyhow::{Context as _, Result, bail, ensure};
use rustix::time::{ClockId, clock_gettime};
use tract_onnx::prelude::*;

/// A plan for a number of events at once, and events in such portions.
struct Batches {
    state: TypedSimpleState,
    inputs: Vec<TValue>,
}

impl Batches {
    fn new(model: &str, floats: &[f32], shape: &[usize], batch: usize) -> Result<Self> {
        let shape: Vec<usize> = [&[batch], shape].concat();
        let length: usize = shape.iter().product();
        let plan = tract_onnx::onnx()
            .model_for_path(model)?
            .with_input_fact(0, f32::fact(&shape).into())?
            .into_optimized()?
            .into_runnable()?;
        let inputs = floats.chunks_exact(length);
        let inputs = inputs.map(|portion| Ok(Tensor::from_shape(&shape, portion)?.into()));
        Ok(Self {
            state: plan.spawn()?,
            inputs: inputs.collect::<Result<_>>()?,
        })
    }

    fn pass(&mut self, mut answer: impl FnMut(&TValue) -> Result<()>) -> Result<()> {
        for input in &self.inputs {
            for output in &self.state.run(tvec!(input.clone()))? {
                answer(output)?;
            }
        }
        Ok(())
    }
}

/// Nanoseconds that this process has computed for.
fn computed() -> i128 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    i128::from(time.tv_sec) * 1_000_000_000 + i128::from(time.tv_nsec)
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [model, events, shape @ ..] = &arguments[..] else {
        bail!("usage: hodoscope-bench-tract MODEL EVENTS SHAPE...");
    };
    let shape = shape.iter().map(|length| length.parse());
    let shape: Vec<usize> = shape.collect::<Result<_, _>>().context("SHAPE")?;
    let bytes = std::fs::read(events).with_context(|| events.clone())?;
    let words = bytes.as_chunks::<4>().0.iter();
    let floats: Vec<f32> = words.map(|word| f32::from_le_bytes(*word)).collect();
    let length: usize = shape.iter().product();
    ensure!(
        length > 0 && floats.len().is_multiple_of(length),
        "the events do not have this shape"
    );
    let mut one = Batches::new(model, &floats, &shape, 1)?;
    let mut all = Batches::new(model, &floats, &shape, floats.len() / length)?;

    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let words: Vec<&str> = line.split(' ').collect();
        let mut answer = String::new();
        let mut add = |output: &TValue| {
            for number in output.try_as_plain_ram()?.as_slice::<f32>()? {
                answer += &format!("{number:e} ");
            }
            Ok(())
        };
        match words[..] {
            ["answers", "one"] => one.pass(&mut add)?,
            ["answers", "all"] => all.pass(&mut add)?,
            ["run", which, passes] => {
                let batches = if which == "one" { &mut one } else { &mut all };
                let begin = computed();
                for _ in 0..passes.parse::<u64>()? {
                    batches.pass(|output| {
                        std::hint::black_box(output);
                        Ok(())
                    })?;
                }
                answer = (computed() - begin).to_string();
            }
            _ => bail!("no request `{line}`"),
        }
        println!("{}", answer.trim_end());
        std::io::stdout().flush()?;
    }
    Ok(())
}
