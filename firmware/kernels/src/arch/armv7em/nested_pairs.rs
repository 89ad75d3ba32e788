//! Nested pairs: the columns of `crate::layout::nested_pairs` in assembly.

#[cfg(not(hodoscope_dual_issue))]
macro_rules! columns {
    () => {
        lines!(
            "ldmia r1!, {{r8-r11}}",
            "ldrd r2, lr, [r0], #8",
            "smlad r4, r8, r2, r4",
            "sxtb16 r8, r8",
            "smlad r6, r8, r2, r6",
            "smlad r5, r9, r2, r5",
            "sxtb16 r9, r9",
            "smlad r7, r9, r2, r7",
            "smlad r4, r10, lr, r4",
            "sxtb16 r10, r10",
            "smlad r6, r10, lr, r6",
            "smlad r5, r11, lr, r5",
            "sxtb16 r11, r11",
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
            "sxtb16 r3, r8",
            "ldr r10, [r1], #4",
            "smlad r6, r3, r2, r6",
            "sxtb16 r8, r9",
            "smlad r5, r9, r2, r5",
            "ldr r11, [r1], #4",
            "smlad r7, r8, r2, r7",
            "sxtb16 r3, r10",
            "smlad r4, r10, lr, r4",
            "sxtb16 r8, r11",
            "smlad r6, r3, lr, r6",
            "smlad r5, r11, lr, r5",
            "smlad r7, r8, lr, r7",
        )
    };
}

macro_rules! apart {
    () => {
        lines!("sub r4, r4, r6", "sub r5, r5, r7")
    };
}

macro_rules! whole {
    () => {
        lines!("asr r4, r4, #8", "asr r5, r5, #8")
    };
}

macro_rules! twin_columns {
    () => {
        lines!(
            "ldrd r2, r3, [r0], #8",
            "ldr lr, [r1], #4",
            "smlad r4, lr, r2, r4",
            "smlad r5, lr, r3, r5",
            "sxtb16 lr, lr",
            "smlad r8, lr, r2, r8",
            "smlad r9, lr, r3, r9",
            "ldr lr, [r1], #4",
            "smlad r6, lr, r2, r6",
            "smlad r7, lr, r3, r7",
            "sxtb16 lr, lr",
            "smlad r10, lr, r2, r10",
            "smlad r11, lr, r3, r11",
        )
    };
}

macro_rules! twins_apart {
    () => {
        lines!(
            "sub r4, r4, r8",
            "sub r5, r5, r9",
            "sub r6, r6, r10",
            "sub r7, r7, r11",
        )
    };
}

routines!(columns, apart, whole);
twins!(twin_columns, twins_apart);
