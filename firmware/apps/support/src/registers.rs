//! The registers of a chip.

/// Defines a type `Register`, and a constant of it for each register of a chip that an app uses: name and address.
///
/// The type belongs to the crate that the macro is used in, and only these constants of it are made: what is read and written is
/// what stands in that one list. A test there compares it with what the chip's makers say.
#[macro_export]
macro_rules! registers {
    ($($(#[$about:meta])* $name:ident = $address:expr;)*) => {
        /// One register.
        #[derive(Clone, Copy)]
        pub struct Register(usize);

        $($(#[$about])* pub const $name: Register = Register($address);)*

        /// Every register that is used: name and address.
        #[cfg(test)]
        const ALL: &[(&str, usize)] = &[$((stringify!($name), $address)),*];

        #[cfg_attr(test, allow(dead_code))]
        impl Register {
            /// What it holds.
            #[inline(always)]
            pub fn read(self) -> u32 {
                // SAFETY: only the constants above are made, all of aligned, readable registers of the chip, and reading them
                // disturbs no memory.
                unsafe { (self.0 as *const u32).read_volatile() }
            }

            /// Writes all of it.
            #[inline(always)]
            pub fn write(self, value: u32) {
                // SAFETY: only the constants above are made, all of aligned, writable registers of the chip, and writing them
                // disturbs no memory.
                unsafe { (self.0 as *mut u32).write_volatile(value) }
            }

            /// Sets the bits of `mask` to those of `value`.
            #[allow(dead_code)]
            pub fn modify(self, mask: u32, value: u32) {
                self.write(self.read() & !mask | value);
            }

            /// Waits until the bits of `mask` are `value`, for a limited number of reads: whether they are.
            ///
            /// A limit of 200,000 reads is above ten milliseconds at any clock that these chips start with: more than an oscillator
            /// or a PLL takes to start.
            #[allow(dead_code)]
            pub fn becomes(self, mask: u32, value: u32) -> bool {
                (0..200_000).any(|_| self.read() & mask == value)
            }
        }
    };
}

/// Whether the registers in a table of the makers, a line `NAME ADDRESS` each, are those that an app uses.
///
/// # Panics
/// When one is missing or lies elsewhere, with its name.
#[doc(hidden)]
pub fn compare_registers(used: &[(&str, usize)], table: &str) {
    let mut known = 0;
    for line in table.lines().filter(|line| !line.starts_with('#')) {
        let mut words = line.split_whitespace();
        let (Some(name), Some(address)) = (words.next(), words.next()) else {
            continue;
        };
        let address = usize::from_str_radix(address.trim_start_matches("0x"), 16);
        let used = used.iter().find(|(own, _)| *own == name);
        assert_eq!(
            used.map(|(_, address)| *address),
            address.ok(),
            "register {name}"
        );
        known += 1;
    }
    assert_eq!(known, used.len(), "registers that the table does not have");
}
