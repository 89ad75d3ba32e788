//! What the routines share: each is put together from these pieces and a layout's own columns.
//!
//! A layout gives macros that expand to assembly: `columns`, four columns of four rows, with the
//! weights at `r1` and the activations at `r0`; `apart`, what makes the sums of the rows a, b, c, d, the
//! upper ones perhaps 256 times too large, of the accumulators `r4`, `r6`, `r5`, `r7`; and `whole`,
//! what divides by that. On the stack are x, the columns in fours, the stream's end, and y.

/// Lines of assembly.
macro_rules! lines {
    ($($line:literal),+ $(,)?) => { concat!($($line, "\n"),+) };
}

/// The core that the assembler is to think of: on Armv8-M the features of `-Ctarget-cpu` do not reach whole functions of
/// assembly, and without them it refuses the DSP instructions.
#[cfg(hodoscope_isa = "armv8m-dsp")]
macro_rules! core_of_assembly {
    () => {
        ".cpu cortex-m33\n"
    };
}
#[cfg(not(hodoscope_isa = "armv8m-dsp"))]
macro_rules! core_of_assembly {
    () => {
        ""
    };
}

/// Saves registers and arguments.
macro_rules! enter {
    () => {
        lines!(
            "push {{r4-r11, lr}}",
            "ldr r12, [sp, #36]",
            "push {{r2, r3}}",
            "push {{r0, r12}}",
        )
    };
}

/// The first values of four rows, then all columns, sixteen between two branches. What is left of a
/// division by sixteen comes first: into the middle of the loop, from `6`.
macro_rules! block {
    ($columns:ident) => {
        concat!(
            "1:\nldmia r1!, {{r4-r7}}\nldrd r0, r12, [sp]\nands r2, r12, #3\nbne 6f\n",
            "2:\n",
            $columns!(),
            "3:\n",
            $columns!(),
            "4:\n",
            $columns!(),
            "5:\n",
            $columns!(),
            "subs r12, r12, #4\nbgt 2b\n",
        )
    };
}

/// After [`block`] and what is done with its sums: the next one, or back to the caller, with `$bytes` of arguments on the
/// stack.
macro_rules! leave {
    ($bytes:literal) => {
        concat!(
            "cmp r1, r2\nbne 1b\nadd sp, #",
            $bytes,
            "\npop {{r4-r11, pc}}\n",
            "6:\ncmp r2, #2\nbhi 3b\nbeq 4b\nb 5b\n",
        )
    };
}

/// Saturates registers into the type of `bits`, `unsigned` or not.
macro_rules! saturate {
    ($($register:literal),+) => {
        concat!(
            ".if {unsigned}\n",
            $("usat ", $register, ", #{bits}, ", $register, "\n",)+
            ".else\n",
            $("ssat ", $register, ", #{bits}, ", $register, "\n",)+
            ".endif\n",
        )
    };
}

/// The end of a block whose four results are rescaled: they are saturated and stored as halves.
macro_rules! store_halves {
    () => {
        concat!(
            saturate!("r4", "r5", "r6", "r7"),
            "pkhbt r4, r4, r6, lsl #16\npkhbt r5, r5, r7, lsl #16\n",
            "strd r4, r5, [r3], #8\nstr r3, [sp, #12]\n",
        )
    };
}

/// A sum that is shifted by the lowest byte of `r12`, halves to even: the last bit that is left is added before.
macro_rules! even {
    ($sum:literal) => {
        concat!(
            "asr r8, ",
            $sum,
            ", r12\n",
            "and r8, r8, #1\n",
            "add ",
            $sum,
            ", ",
            $sum,
            ", r8\n",
            "asr ",
            $sum,
            ", ",
            $sum,
            ", r12\n",
        )
    };
}

/// The functions of a layout.
macro_rules! routines {
    ($columns:ident, $apart:ident, $whole:ident) => {
        /// The sums of a layer. Lengths were checked by the caller.
        #[inline(always)]
        pub fn dense(x: &[i16], stream: &[i32], y: &mut [i32]) {
            let (from, quads) = (stream.as_ptr_range(), x.len() / 4);
            // SAFETY: `layout::stream::check` held for these lengths.
            unsafe { sums(x.as_ptr(), from.start, from.end, y.as_mut_ptr(), quads) }
        }

        /// A layer with its rescale. Lengths were checked by the caller.
        #[inline(always)]
        pub fn dense_rescale<const LOW: i32, const HIGH: i32>(
            x: &[i16],
            stream: &[i32],
            y: &mut [i16],
        ) {
            let (from, quads) = (stream.as_ptr_range(), x.len() / 4);
            // SAFETY: `layout::stream::check` held for these lengths.
            unsafe { rescaled::<LOW, HIGH>(x.as_ptr(), from.start, from.end, y.as_mut_ptr(), quads) }
        }

        /// A layer with its rescale, halves to even. Lengths were checked by the caller.
        #[inline(always)]
        pub fn dense_even<const LOW: i32, const HIGH: i32>(
            x: &[i16],
            stream: &[i32],
            y: &mut [i16],
        ) {
            let (from, quads) = (stream.as_ptr_range(), x.len() / 4);
            // SAFETY: `layout::stream::check` held for these lengths.
            unsafe { evened::<LOW, HIGH>(x.as_ptr(), from.start, from.end, y.as_mut_ptr(), quads) }
        }

        /// A layer whose sums are scaled by one multiplier. Lengths were checked by the caller.
        #[inline(always)]
        pub fn dense_scale<const LOW: i32, const HIGH: i32>(
            x: &[i16],
            stream: &[i32],
            y: &mut [i16],
        ) {
            let (from, quads) = (stream.as_ptr_range(), x.len() / 4);
            // SAFETY: `layout::stream::check` held for these lengths, without the three words of the scale.
            unsafe { scaled::<LOW, HIGH>(x.as_ptr(), from.start, from.end, y.as_mut_ptr(), quads) }
        }

        /// Stores sums.
        ///
        /// # Safety
        /// x: `quads` times 4 halves from an address that is a multiple of 4; the stream ends at `end`, and holds
        /// whole blocks for this length, one at least; `quads` is not 0; y has room for their results.
        #[unsafe(naked)]
        unsafe extern "C" fn sums(
            x: *const i16,
            stream: *const i32,
            end: *const i32,
            y: *mut i32,
            quads: usize,
        ) {
            core::arch::naked_asm!(
                core_of_assembly!(),
                enter!(),
                block!($columns),
                "ldrd r2, r3, [sp, #8]",
                $apart!(),
                $whole!(),
                "strd r4, r6, [r3], #8",
                "strd r5, r7, [r3], #8",
                "str r3, [sp, #12]",
                leave!(16),
            )
        }

        /// Stores rescaled and saturated results.
        ///
        /// # Safety
        /// x: `quads` times 4 halves from an address that is a multiple of 4; the stream ends at `end`, and holds
        /// whole blocks for this length, one at least; `quads` is not 0; y has room for their results.
        #[unsafe(naked)]
        unsafe extern "C" fn rescaled<const LOW: i32, const HIGH: i32>(
            x: *const i16,
            stream: *const i32,
            end: *const i32,
            y: *mut i16,
            quads: usize,
        ) {
            core::arch::naked_asm!(
                core_of_assembly!(),
                enter!(),
                block!($columns),
                "ldr r12, [r1], #4",
                "ldrd r2, r3, [sp, #8]",
                $apart!(),
                "asr r6, r6, r12",
                "lsr r12, r12, #8",
                "asr r4, r4, r12",
                "lsr r12, r12, #8",
                "asr r7, r7, r12",
                "lsr r12, r12, #8",
                "asr r5, r5, r12",
                store_halves!(),
                leave!(16),
                unsigned = const $crate::arch::armv7em::unsigned(LOW),
                bits = const $crate::arch::armv7em::bits(LOW, HIGH),
            )
        }

        /// Stores rescaled and saturated results, halves to even.
        ///
        /// # Safety
        /// x: `quads` times 4 halves from an address that is a multiple of 4; the stream ends at `end`, and holds
        /// whole blocks for this length, one at least; `quads` is not 0; y has room for their results.
        #[unsafe(naked)]
        unsafe extern "C" fn evened<const LOW: i32, const HIGH: i32>(
            x: *const i16,
            stream: *const i32,
            end: *const i32,
            y: *mut i16,
            quads: usize,
        ) {
            core::arch::naked_asm!(
                core_of_assembly!(),
                enter!(),
                block!($columns),
                "ldr r12, [r1], #4",
                "ldrd r2, r3, [sp, #8]",
                $apart!(),
                $whole!(),
                even!("r6"),
                "lsr r12, r12, #8",
                even!("r4"),
                "lsr r12, r12, #8",
                even!("r7"),
                "lsr r12, r12, #8",
                even!("r5"),
                store_halves!(),
                leave!(16),
                unsigned = const $crate::arch::armv7em::unsigned(LOW),
                bits = const $crate::arch::armv7em::bits(LOW, HIGH),
            )
        }

        /// Stores scaled and saturated results: `SMMLA` is the upper half of a product, and an offset.
        ///
        /// # Safety
        /// x: `quads` times 4 halves from an address that is a multiple of 4; the stream ends at `end`, and holds a
        /// multiplier, an offset, a shift, and whole blocks for this length, one at least; `quads` is not 0; y has
        /// room for their results.
        #[unsafe(naked)]
        unsafe extern "C" fn scaled<const LOW: i32, const HIGH: i32>(
            x: *const i16,
            stream: *const i32,
            end: *const i32,
            y: *mut i16,
            quads: usize,
        ) {
            core::arch::naked_asm!(
                core_of_assembly!(),
                "push {{r4-r11, lr}}",
                "ldr r12, [sp, #36]",
                "ldmia r1!, {{r4-r6}}",
                "push {{r2-r6}}",
                "push {{r0, r12}}",
                block!($columns),
                "ldrd r2, r3, [sp, #8]",
                "ldrd r8, r9, [sp, #16]",
                "ldr r12, [sp, #24]",
                $apart!(),
                $whole!(),
                "smmla r4, r4, r8, r9",
                "smmla r5, r5, r8, r9",
                "smmla r6, r6, r8, r9",
                "smmla r7, r7, r8, r9",
                "asr r4, r4, r12",
                "asr r5, r5, r12",
                "asr r6, r6, r12",
                "asr r7, r7, r12",
                store_halves!(),
                leave!(28),
                unsigned = const $crate::arch::armv7em::unsigned(LOW),
                bits = const $crate::arch::armv7em::bits(LOW, HIGH),
            )
        }
    };
}

/// The function of a layout that computes two constituents: `columns` are two columns of four rows and both constituents,
/// whose sums are in `r4` to `r11`, those of one constituent in every second; the upper rows are the first four. After
/// `apart` they are sums.
macro_rules! twins {
    ($columns:ident, $apart:ident) => {
        /// A layer with its rescale, of two constituents. Lengths were checked by the caller.
        #[inline(always)]
        pub fn dense_rescale_twins<const LOW: i32, const HIGH: i32>(
            x: &[i16],
            stream: &[i32],
            y: &mut [i16],
        ) {
            let (from, quads) = (stream.as_ptr_range(), x.len() / 8);
            // SAFETY: `layout::stream::check` held for these lengths.
            unsafe { twins::<LOW, HIGH>(x.as_ptr(), from.start, from.end, y.as_mut_ptr(), quads) }
        }

        /// Rescaled and saturated results of two constituents.
        ///
        /// # Safety
        /// x: `quads` times 8 halves from an address that is a multiple of 4; the stream ends at `end`, and holds
        /// whole blocks for this length, one at least; `quads` is not 0; y has room for their results.
        #[unsafe(naked)]
        unsafe extern "C" fn twins<const LOW: i32, const HIGH: i32>(
            x: *const i16,
            stream: *const i32,
            end: *const i32,
            y: *mut i16,
            quads: usize,
        ) {
            core::arch::naked_asm!(
                core_of_assembly!(),
                enter!(),
                "1:",
                "ldmia r1, {{r4, r6, r8, r10}}",
                "ldmia r1!, {{r5, r7, r9, r11}}",
                "ldrd r0, r12, [sp]",
                "tst r12, #1",
                "bne 3f",
                "2:",
                $columns!(),
                $columns!(),
                "3:",
                $columns!(),
                $columns!(),
                "subs r12, r12, #2",
                "bgt 2b",
                "ldr r12, [r1], #4",
                "ldrd r2, r3, [sp, #8]",
                $apart!(),
                "asr r8, r8, r12",
                "asr r9, r9, r12",
                "lsr r12, r12, #8",
                "asr r4, r4, r12",
                "asr r5, r5, r12",
                "lsr r12, r12, #8",
                "asr r10, r10, r12",
                "asr r11, r11, r12",
                "lsr r12, r12, #8",
                "asr r6, r6, r12",
                "asr r7, r7, r12",
                saturate!("r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11"),
                "pkhbt r4, r4, r8, lsl #16",
                "pkhbt r5, r5, r9, lsl #16",
                "pkhbt r6, r6, r10, lsl #16",
                "pkhbt r7, r7, r11, lsl #16",
                "stmia r3!, {{r4-r7}}",
                "str r3, [sp, #12]",
                "cmp r1, r2",
                "bne 1b",
                "add sp, #16",
                "pop {{r4-r11, pc}}",
                unsigned = const $crate::arch::armv7em::unsigned(LOW),
                bits = const $crate::arch::armv7em::bits(LOW, HIGH),
            )
        }
    };
}
