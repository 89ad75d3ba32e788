//! Typed indices into a program's lists.

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(u32);

        impl $name {
            /// The id of the entry at `index`.
            ///
            /// # Panics
            /// If `index` does not fit 32 bits.
            pub fn new(index: usize) -> Self {
                Self(u32::try_from(index).unwrap_or_else(|_| panic!("index {index} is too large")))
            }

            /// Position in its list.
            pub fn index(self) -> usize {
                self.0 as usize
            }
        }
    };
}

id!(
    /// A value of a program.
    ValueId
);
id!(
    /// A constant of a program.
    ConstantId
);
id!(
    /// An input of a program.
    InputId
);
id!(
    /// A set of constituents.
    SetId
);
