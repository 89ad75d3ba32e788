//! Half pairs: the columns of `crate::layout::half_pairs` in assembly.

#[cfg(not(hodoscope_dual_issue))]
macro_rules! columns {
    () => {
        lines!(
            "ldrd r2, lr, [r0], #8",
            "ldmia r1!, {{r8-r11}}",
            "smlad r4, r8, r2, r4",
            "smlad r6, r9, r2, r6",
            "smlad r5, r10, r2, r5",
            "smlad r7, r11, r2, r7",
            "ldmia r1!, {{r8-r11}}",
            "smlad r4, r8, lr, r4",
            "smlad r6, r9, lr, r6",
            "smlad r5, r10, lr, r5",
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
            "smlad r4, r8, r2, r4",
            "ldr r10, [r1], #4",
            "smlad r6, r9, r2, r6",
            "ldr r11, [r1], #4",
            "smlad r5, r10, r2, r5",
            "ldr r8, [r1], #4",
            "smlad r7, r11, r2, r7",
            "ldr r9, [r1], #4",
            "smlad r4, r8, lr, r4",
            "ldr r10, [r1], #4",
            "smlad r6, r9, lr, r6",
            "ldr r11, [r1], #4",
            "smlad r5, r10, lr, r5",
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

macro_rules! twin_columns {
    () => {
        lines!(
            "ldrd r2, r3, [r0], #8",
            "ldr lr, [r1], #4",
            "smlad r4, lr, r2, r4",
            "smlad r5, lr, r3, r5",
            "ldr lr, [r1], #4",
            "smlad r8, lr, r2, r8",
            "smlad r9, lr, r3, r9",
            "ldr lr, [r1], #4",
            "smlad r6, lr, r2, r6",
            "smlad r7, lr, r3, r7",
            "ldr lr, [r1], #4",
            "smlad r10, lr, r2, r10",
            "smlad r11, lr, r3, r11",
        )
    };
}

routines!(columns, nothing, nothing);
twins!(twin_columns, nothing);
