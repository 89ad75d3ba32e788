//! What the apps of Cortex-M chips do at faults, and while nothing comes.

/// Defines what happens at a panic, a hard fault and an interrupt: `$receive` at the one of `$link`, `$restart`, which does not
/// return, at all others. It belongs into the app's crate, which starts by `cortex-m-rt`.
#[macro_export]
macro_rules! faults {
    ($link:ident, $receive:ident, $restart:ident) => {
        #[panic_handler]
        fn panic(_: &core::panic::PanicInfo) -> ! {
            $crate::reset::leave($crate::trigger::Reset::Panic);
            $restart()
        }

        // SAFETY: reads nothing and restarts; nothing that was interrupted goes on.
        #[cortex_m_rt::exception]
        unsafe fn HardFault(_frame: &cortex_m_rt::ExceptionFrame) -> ! {
            $crate::reset::leave($crate::trigger::Reset::Fault);
            $restart()
        }

        // SAFETY: it shares nothing but the ring of received bytes.
        #[cortex_m_rt::exception]
        unsafe fn DefaultHandler(interrupt: i16) {
            match interrupt {
                $link => $receive(),
                _ => {
                    $crate::reset::leave($crate::trigger::Reset::Fault);
                    $restart()
                }
            }
        }
    };
}

/// Sleeps until an interrupt, where no byte has come. One between the look and the sleep wakes all the same, and is taken once
/// interrupts are on again.
#[cfg(all(target_arch = "arm", target_os = "none"))]
#[inline(always)]
pub fn sleep<const N: usize>(ring: &crate::Ring<N>) {
    cortex_m::interrupt::free(|_| {
        if ring.is_empty() {
            cortex_m::asm::wfi();
        }
    });
}
