//! Holds the assembly of the kernels to its portable bodies, on the core for which this is built.
//!
//! Prints the instruction set and a line for each kernel, and exits with 0 when all agree; else it prints the
//! first difference and exits with 1.
#![cfg_attr(target_os = "none", no_std, no_main)]

#[cfg(not(target_os = "none"))]
fn main() {}

#[cfg(target_os = "none")]
mod core_itself {
    use core::panic::PanicInfo;

    use semihosting::{println, process::exit};

    // SAFETY: the run-time crate calls the one `main` after it has set up memory.
    #[unsafe(no_mangle)]
    extern "C" fn main() -> ! {
        println!("isa {}", hodoscope_kernels::arch::INSTRUCTION_SET);
        let checked = hodoscope_app_layouts::check(&mut |kernel| println!("{kernel}"));
        match checked {
            Ok(()) => exit(0),
            Err(difference) => println!("{difference}"),
        }
        exit(1)
    }

    #[panic_handler]
    fn panic(info: &PanicInfo) -> ! {
        println!("{info}");
        exit(1)
    }

    // SAFETY: reads its frame and ends; nothing that was interrupted goes on.
    #[cfg(target_arch = "arm")]
    #[cortex_m_rt::exception]
    unsafe fn HardFault(frame: &cortex_m_rt::ExceptionFrame) -> ! {
        println!("hard fault at {:#010x}", frame.pc());
        exit(1)
    }

    /// Every exception ends the program.
    // SAFETY: the run-time crate calls the one symbol of this name on an exception.
    #[cfg(target_arch = "riscv32")]
    #[unsafe(export_name = "ExceptionHandler")]
    extern "C" fn exception(_frame: &riscv_rt::TrapFrame) -> ! {
        println!("exception");
        exit(1)
    }
}
