//! The interpreter and the kernels, which share no arithmetic, agree on random programs bit for bit.

use crate::kernels_support::Executor;
use crate::support::{PLANNED, Random, Reach, event, programs};
use hodoscope_compiler::plan::{Isa, Layouts, Plan};
use hodoscope_interpreter::{Event, Interpreter};
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn kernels_compute_what_the_interpreter_computes(
        program in programs(PLANNED),
        seed in any::<u64>(),
    ) {
        let fastest = Isa::ALL.map(|isa| Plan::new(&program, isa));
        // Of fewer bytes where there are any.
        let smallest = [Isa::ArmV7eDsp, Isa::Rv32im].map(|isa| Plan::with(&program, isa, 0, Layouts::Smallest));
        let plans = fastest.into_iter().chain(smallest);
        let plans: Vec<Plan<'_>> = plans
            .map(|plan| plan.expect("random programs of this style have a plan"))
            .collect();
        let interpreter = Interpreter::new(&program).expect("random programs verify");
        let mut random = Random::new(seed);
        for _ in 0..12 {
            let inputs = event(&program, &mut random, Reach::Storage);
            let event = Event { inputs };
            let trace = interpreter.trace(&event).expect("events fit the program");
            let outputs = interpreter.run(&event).expect("events fit the program");
            for plan in &plans {
                let executor = Executor::new(plan);
                let seen = executor.run(&event.inputs);
                let visible = plan.visible();
                for (id, value) in program.values() {
                    let expected = visible[id.index()].then(|| &trace.values[id.index()]);
                    prop_assert_eq!(seen[id.index()].as_ref(), expected, "{} {}", plan.isa, value.name);
                }
                prop_assert_eq!(&executor.stream(&event.inputs), &outputs, "{}", plan.isa);
            }
        }
    }
}
