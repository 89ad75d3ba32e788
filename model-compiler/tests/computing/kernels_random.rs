//! The interpreter and the kernels, which share no arithmetic, agree on random programs bit for bit.

use crate::emit_programs::autoencoders::{Autoencoder, End, autoencoders};
use crate::support::{PLANNED, Random, Reach, event, programs};
use hodoscope_compiler::plan::layout::Layout;
use hodoscope_compiler::plan::{Isa, Layouts, Plan};
use hodoscope_interpreter::{Event, Interpreter};
use hodoscope_kernel_executor::Executor;
use hodoscope_program::Program;
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn kernels_compute_what_the_interpreter_computes(
        program in programs(PLANNED),
        seed in any::<u64>(),
    ) {
        agree(&program, &plans(&program, &Isa::ALL), seed)?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Rows of any number, primes among them, behind every kind of rescale.
    #[test]
    fn errors_of_blocks_add_up_to_the_interpreters(
        (channels, latent, bits, weight_bits) in (120..=220usize, 1..=20usize, 4..=16u8, 3..=12u8),
        (end, is_full, seed) in (prop::sample::select(&End::ALL[..]), any::<bool>(), any::<u64>()),
    ) {
        let form = Autoencoder { channels, latent, bits, weight_bits, end, is_full, seed };
        let program = Program::from_text(&form.text("random")).expect("it is well-formed");
        agree(&program, &plans(&program, &CALLED), seed)?;
    }
}

#[test]
fn layers_before_a_squared_error_are_compared_in_blocks() {
    // Of each kind of layout, and both with and without a shorter last block.
    let mut taken = std::collections::BTreeSet::new();
    for (name, text) in autoencoders() {
        let program = Program::from_text(&text).expect("it is well-formed");
        for plan in plans(&program, &CALLED) {
            for blocks in &plan.blocks {
                let step = plan.event.iter().find(|step| step.result == blocks.result);
                let layout = step.and_then(|step| step.layout()).expect("a dense layer");
                let rows = program.value(blocks.result).shape.channels();
                taken.insert((layout, rows.is_multiple_of(blocks.rows)));
                // No array of all rows: neither a slot nor a variable of its own.
                let extent = plan.extent(blocks.result);
                assert!(extent.length < rows, "{name} {}", plan.isa);
                assert!(!plan.visible()[blocks.result.index()]);
                let mut whole = plan.clone();
                whole.blocks.clear();
                assert_eq!(
                    plan.activation_bytes() + blocks.saved,
                    whole.activation_bytes(),
                    "{name} {}",
                    plan.isa
                );
                assert!(blocks.saved >= 128);
            }
        }
        // What is an output is there as a whole.
        let last = text.contains("decoder.relu").then_some("decoder.relu");
        let last = last.or(text.contains("decoder.q").then_some("decoder.q"));
        let text = format!(
            "{text}output reconstruction = {}\n",
            last.unwrap_or("decoder")
        );
        let program = Program::from_text(&text).expect("it is well-formed");
        for plan in plans(&program, &CALLED) {
            assert_eq!(plan.blocks, [], "{name} {}", plan.isa);
        }
    }
    for layout in [
        Layout::Rows,
        Layout::NestedPairs,
        Layout::HalfPairs,
        Layout::PackedWords,
        Layout::RowBlocks,
    ] {
        assert!(
            taken.iter().any(|(taken, _)| *taken == layout),
            "{layout}: {taken:?}"
        );
    }
    for are_equal in [true, false] {
        assert!(
            taken.iter().any(|(_, equal)| *equal == are_equal),
            "{taken:?}"
        );
    }
}

/// Those whose layers are called; the layers of the other are additions, which are not cut.
const CALLED: [Isa; 4] = [Isa::Portable, Isa::ArmV6m, Isa::ArmV7eDsp, Isa::Rv32im];

/// The fastest of each instruction set, and of some the smallest.
fn plans<'p>(program: &'p Program, isas: &[Isa]) -> Vec<Plan<'p>> {
    let fastest = isas.iter().map(|isa| Plan::new(program, *isa));
    // Of fewer bytes where there are any.
    let smallest =
        [Isa::ArmV7eDsp, Isa::Rv32im].map(|isa| Plan::with(program, isa, 0, Layouts::Smallest));
    let plans = fastest.chain(smallest);
    plans
        .map(|plan| plan.expect("random programs of this style have a plan"))
        .collect()
}

/// All that is visible in each plan, over events, against the interpreter.
fn agree(program: &Program, plans: &[Plan<'_>], seed: u64) -> Result<(), TestCaseError> {
    let interpreter = Interpreter::new(program).expect("random programs verify");
    let mut random = Random::new(seed);
    let executors: Vec<Executor<'_>> = plans.iter().map(Executor::new).collect();
    for _ in 0..12 {
        let inputs = event(program, &mut random, Reach::Storage);
        let event = Event { inputs };
        let trace = interpreter.trace(&event).expect("events fit the program");
        let outputs = interpreter.run(&event).expect("events fit the program");
        for (plan, executor) in plans.iter().zip(&executors) {
            let seen = executor.run(&event.inputs);
            let visible = plan.visible();
            for (id, value) in program.values() {
                let expected = visible[id.index()].then(|| &trace.values[id.index()]);
                prop_assert_eq!(
                    seen[id.index()].as_ref(),
                    expected,
                    "{} {}",
                    plan.isa,
                    value.name
                );
            }
            prop_assert_eq!(&executor.stream(&event.inputs), &outputs, "{}", plan.isa);
        }
    }
    Ok(())
}
