//! Byte pairs: the columns of `crate::layout::byte_pairs` in assembly.

#[cfg(not(hodoscope_dual_issue))]
macro_rules! columns {
    () => {
        lines!(
            "ldmia r1!, {{r8-r11}}",
            "ldrd r2, lr, [r0], #8",
            "sxtb16 r3, r8",
            "sxtb16 r8, r8, ror #8",
            "smlad r4, r3, r2, r4",
            "smlad r4, r8, lr, r4",
            "sxtb16 r3, r9",
            "sxtb16 r9, r9, ror #8",
            "smlad r6, r3, r2, r6",
            "smlad r6, r9, lr, r6",
            "sxtb16 r3, r10",
            "sxtb16 r10, r10, ror #8",
            "smlad r5, r3, r2, r5",
            "smlad r5, r10, lr, r5",
            "sxtb16 r3, r11",
            "sxtb16 r11, r11, ror #8",
            "smlad r7, r3, r2, r7",
            "smlad r7, r11, lr, r7",
        )
    };
}

/// Loads of one register, each beside a product.
#[cfg(hodoscope_dual_issue)]
macro_rules! columns {
    () => {
        lines!(
            "ldr r2, [r0], #4",
            "ldr r8, [r1], #4",
            "ldr lr, [r0], #4",
            "ldr r9, [r1], #4",
            "sxtb16 r3, r8",
            "ldr r10, [r1], #4",
            "smlad r4, r3, r2, r4",
            "sxtb16 r8, r8, ror #8",
            "smlad r4, r8, lr, r4",
            "sxtb16 r3, r9",
            "smlad r6, r3, r2, r6",
            "sxtb16 r9, r9, ror #8",
            "smlad r6, r9, lr, r6",
            "sxtb16 r3, r10",
            "smlad r5, r3, r2, r5",
            "ldr r11, [r1], #4",
            "sxtb16 r10, r10, ror #8",
            "smlad r5, r10, lr, r5",
            "sxtb16 r3, r11",
            "smlad r7, r3, r2, r7",
            "sxtb16 r11, r11, ror #8",
            "smlad r7, r11, lr, r7",
        )
    };
}

/// The accumulators are the sums.
macro_rules! nothing {
    () => {
        ""
    };
}

routines!(columns, nothing, nothing);
