//! `cargo run -p hodoscope-fabric --example adders -- program.txt`: of each dense layer, as a line of JSON, the adders that this crate finds for
//! its matrix and the matrix itself, for whoever compares. Inputs are eight bits with a sign, and nothing comes before them.

use std::error::Error;
use std::time::Instant;

use hodoscope_fabric::matrix::{Aim, Input, solve};
use hodoscope_program::{Interval, Operation, Program};

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).ok_or("name a program.txt")?;
    let program = Program::from_text(&std::fs::read_to_string(path)?)?;
    program.verify()?;
    for value in &program.values {
        let Operation::Dense { x, weights, .. } = value.operation else {
            continue;
        };
        let columns = program.value(x).shape.channels();
        let rows = program.constant(weights).data.chunks(columns);
        let rows: Vec<Vec<i64>> = rows.map(<[i64]>::to_vec).collect();
        let input = Input {
            range: Interval::between(-128, 127),
            depth: 0,
        };
        let inputs = vec![input; columns];
        let begin = Instant::now();
        let [fewest, shallow] = [Aim::Fewest, Aim::Shallow].map(|aim| solve(&rows, &inputs, aim));
        println!(
            "{{\"layer\": \"{}\", \"fewest\": {}, \"shallow\": {}, \"fewest_depth\": {}, \"shallow_depth\": {}, \"seconds\": {:.3}, \"rows\": {rows:?}}}",
            value.name,
            fewest.adders.len(),
            shallow.adders.len(),
            fewest.depths.iter().max().unwrap_or(&0),
            shallow.depths.iter().max().unwrap_or(&0),
            begin.elapsed().as_secs_f64()
        );
    }
    Ok(())
}
