//! The words of a quantiser that reads an input are its integers, whatever its rounding and zero point.

use hodoscope_compiler::exact::exact;
use hodoscope_compiler::graph::{GraphBuilder, Kind, Op, Quantiser, RoundingMode, Tensor};
use hodoscope_compiler::inputs::InputsSpec;
use hodoscope_interpreter::{Event, Interpreter};
use hodoscope_program::Program;

#[test]
fn words_are_the_quantisers_integers() {
    let modes = [
        RoundingMode::HalfEven,
        RoundingMode::Floor,
        RoundingMode::Ceil,
        RoundingMode::Up,
        RoundingMode::Down,
        RoundingMode::HalfUp,
        RoundingMode::HalfDown,
        RoundingMode::HalfCeil,
    ];
    for rounding in modes {
        for (zero, zero_first) in [(0.0, true), (3.0, true), (-5.0, true), (3.0, false)] {
            let quantiser = Quantiser {
                scale: Tensor::scalar(0.25),
                zero_point: Tensor::scalar(zero),
                range: Some((-128, 127)),
                rounding,
                zero_first,
            };
            let mut builder = GraphBuilder::new("words");
            let x = builder.input("x", vec![1, 1], Kind::Float).unwrap();
            let op = Op::Quantise(Box::new(quantiser.clone()));
            let integers = builder.push("q", op, &[x]).unwrap();
            let back = Op::Dequantise {
                scale: quantiser.scale.clone(),
                zero_point: quantiser.zero_point.clone(),
            };
            let y = builder.push("y", back, &[integers]).unwrap();
            builder.output("y", y).unwrap();
            let program = exact(&builder.finish(), "words", &InputsSpec::default()).unwrap();
            assert_eq!(Program::from_text(&program.to_text()).unwrap(), program);
            let interpreter = Interpreter::new(&program).unwrap();
            let field = &program.inputs[0].fields[0];
            for eighth in -400..400 {
                // Quarters and eighths of a count, and ties.
                let value = eighth as f32 / 32.0;
                let integer = quantiser.apply(value, 0.25, zero);
                let word = field.encode(f64::from(value)).unwrap().word;
                let told = format!("{rounding:?}, zero {zero}, {zero_first}: {value}");
                assert_eq!(word as f32, integer, "{told}");
                let event = Event {
                    inputs: vec![vec![word]],
                };
                let raw = interpreter.run(&event).unwrap()[0][0];
                let scale = &program.value(program.outputs[0].value).scale;
                let found = raw as f64 * scale.lsb(0);
                assert_eq!(found, f64::from((integer - zero) * 0.25), "{told}");
            }
        }
    }
}
