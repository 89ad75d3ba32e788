//! A network behind the core's port for instructions: the model of a firmware whose layers are logic.
//!
//! The logic is what `hodoscope rtl` writes, and takes a payload as it lies in memory (`instruction.v` says what each instruction
//! does). The core reads aligned words, as the payload begins anywhere, and tells where in the first of them. Of more constituents
//! than are computed it finds the hardest, which the logic does not, and hands over these again.
//!
//! The trigger's loop has driven this code out of the cache when it runs: it is short rather than unrolled.

use core::arch::asm;
use core::fmt::Write;
use core::marker::PhantomData;

use hodoscope_kernels::model::{EventError, InputInfo, Model, Observer, OutputInfo};
use hodoscope_kernels::payload;
pub use hodoscope_kernels::payload::take;
use hodoscope_kernels::set::Hardest;
use hodoscope_trigger::Judge;

use crate::peripherals::{Log, exit};

/// What is generated for a model.
pub trait Behind {
    /// The emitted crate's: names, payload and program.
    type Model: Model;
    /// Whether some raw does not fit 32 bits, so that each comes as two words.
    const WIDE: bool;

    /// Gives the hardest of too many constituents to `send`. Where no order is asked for the logic never asks for it.
    fn hardest(_rows: &[u8], _send: impl FnOnce(&[u8])) {}
}

/// A model whose network is logic, of `N` raws.
#[derive(Debug)]
pub struct Network<B, const N: usize>(PhantomData<B>);

impl<B: Behind, const N: usize> Model for Network<B, N> {
    const NAME: &'static str = B::Model::NAME;
    const PROGRAM: [u8; 32] = B::Model::PROGRAM;
    const CAPACITY: usize = B::Model::CAPACITY;
    const INPUTS: &'static [InputInfo] = B::Model::INPUTS;
    const OUTPUTS: &'static [OutputInfo] = B::Model::OUTPUTS;
    type Raws = [i64; N];

    /// No layer is shown: there is none.
    #[inline]
    fn infer<O: Observer>(payload: &[u8], _: &mut O) -> Result<Self::Raws, EventError> {
        let (fixed, row) = const { (bytes::<B::Model>(false), bytes::<B::Model>(true)) };
        let (event, rows) = payload::split(payload, fixed, row)?;
        if fixed > 0 {
            send::<BEGIN_EVENT>(event, 0);
        }
        if let Some(count) = rows.len().checked_div(row) {
            send::<BEGIN_ROWS>(rows, count as u32);
        }
        if instruction::<END>(0, 0) != 0 {
            B::hardest(rows, |kept| {
                send::<BEGIN_ROWS>(kept, B::Model::CAPACITY as u32);
                instruction::<END>(0, 0);
            });
        }
        let mut raws = [0; N];
        for (raw, index) in raws.iter_mut().zip(0u32..) {
            *raw = match B::WIDE {
                true => {
                    let low = instruction::<ANSWER>(2 * index, 0);
                    let high = instruction::<ANSWER>(2 * index + 1, 0);
                    (u64::from(high) << 32 | u64::from(low)) as i64
                }
                false => i64::from(instruction::<ANSWER>(index, 0) as i32),
            };
        }
        Ok(raws)
    }
}

/// Bytes of the payload that every event has, or of each constituent.
const fn bytes<M: Model>(of_set: bool) -> usize {
    let mut sum = 0;
    let mut index = 0;
    while index < M::INPUTS.len() {
        let input = &M::INPUTS[index];
        if input.set == of_set {
            sum += input.words * input.bytes;
        }
        index += 1;
    }
    sum
}

/// Finds the `P` hardest of `rows`, and gives them to `send`; `hardness` has none of what is no constituent.
#[cold]
#[inline(never)]
pub fn hardest<const ROW: usize, const P: usize>(
    rows: &[u8],
    hardness: impl Fn(&[u8]) -> Option<i32>,
    send: impl FnOnce(&[u8]),
) {
    let mut held = Hardest::<[u8; ROW], P>::new();
    for row in rows.as_chunks::<ROW>().0 {
        if let Some(hardness) = hardness(row) {
            held.push(*row, hardness);
        }
    }
    let mut kept = [[0; ROW]; P];
    for (place, row) in kept.iter_mut().zip(held.iter()) {
        *place = *row;
    }
    send(kept.as_flattened());
}

const BEGIN_EVENT: u32 = 0;
const BEGIN_ROWS: u32 = 1;
const BYTES: u32 = 2;
const END: u32 = 3;
const ANSWER: u32 = 4;
const PROGRAM: u32 = 7;

/// An instruction of the logic.
#[inline(always)]
fn instruction<const FUNCTION: u32>(a: u32, b: u32) -> u32 {
    let result;
    // SAFETY: the logic reads both operands and writes the result; it has no way to memory. `run` has opened the port.
    unsafe {
        asm!(
            ".insn r CUSTOM_0, {function}, 0, {result}, {a}, {b}",
            function = const FUNCTION,
            result = lateout(reg) result,
            a = in(reg) a,
            b = in(reg) b,
            options(nomem, nostack, preserves_flags),
        );
    }
    result
}

/// Hands over bytes that begin anywhere, as the words of memory that they lie in.
#[inline(always)]
fn send<const BEGIN: u32>(bytes: &[u8], constituents: u32) {
    let start = bytes.as_ptr() as usize;
    let Some(end) = bytes.len().checked_sub(1) else {
        instruction::<BEGIN>(0, constituents << 2);
        return;
    };
    // SAFETY: what is read are whole words, each with a byte of the slice in it. Memory consists of words, so that no such read fails;
    // of the bytes around the slice, which may be another's, nothing reaches a result. Nothing is written.
    unsafe {
        asm!(
            "lw {a}, 0({next})",
            ".insn r CUSTOM_0, {begin}, 0, x0, {a}, {operand}",
            "addi {next}, {next}, 4",
            "addi {four}, {last}, -8",
            "bgeu {next}, {four}, 2f",
            "1:",
            "lw {a}, 0({next})",
            "lw {b}, 4({next})",
            "lw {c}, 8({next})",
            "lw {d}, 12({next})",
            "addi {next}, {next}, 16",
            ".insn r CUSTOM_0, {more}, 0, x0, {a}, {b}",
            ".insn r CUSTOM_0, {more}, 0, x0, {c}, {d}",
            "bltu {next}, {four}, 1b",
            "2:",
            "bgeu {next}, {last}, 3f",
            "lw {a}, 0({next})",
            "lw {b}, 4({next})",
            ".insn r CUSTOM_0, {more}, 0, x0, {a}, {b}",
            "3:",
            "lw {a}, 0({last})",
            ".insn r CUSTOM_0, {more}, 0, x0, {a}, {a}",
            begin = const BEGIN,
            more = const BYTES,
            next = inout(reg) start & !3 => _,
            last = in(reg) (start + end) & !3,
            operand = in(reg) constituents << 2 | start as u32 & 3,
            a = out(reg) _,
            b = out(reg) _,
            c = out(reg) _,
            d = out(reg) _,
            four = out(reg) _,
            options(readonly, nostack),
        );
    }
}

/// Opens the port, and compares the programs of firmware and logic; then serves `M` as [`crate::run`] does.
pub fn run<M: Model, J: Judge<M::Raws>, const N: usize, const K: usize>(
    board: &'static str,
    judge: J,
) -> ! {
    // SAFETY: the register does nothing else. Until then an instruction of the port is an exception.
    unsafe {
        asm!(
            ".option push",
            ".option arch, +zicsr",
            "csrs 0xbc0, {open}",
            // What follows at once is decoded before that is written.
            "nop",
            "nop",
            "nop",
            ".option pop",
            open = in(reg) 1u32 << 31,
            options(nomem, nostack),
        );
    }
    let [a, b, c, d, ..] = M::PROGRAM;
    let (logic, firmware) = (
        instruction::<PROGRAM>(0, 0),
        u32::from_be_bytes([a, b, c, d]),
    );
    if logic != firmware {
        // The log takes everything.
        let _ = writeln!(
            Log,
            "the network behind the port is of program {logic:08x}, the firmware of {firmware:08x}"
        );
        exit(1)
    }
    crate::run::<M, J, N, K>(board, judge)
}
