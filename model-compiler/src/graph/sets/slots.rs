//! Where slots lie among the elements of a value.

/// The place of an axis of slots: element (o · slots + s) · inner + i belongs to slot s. A reshape does not move them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slots {
    /// Elements before the slots' axis, in units of all that is behind.
    pub outer: usize,
    /// Number of slots.
    pub slots: usize,
    /// Elements of one slot that stand together.
    pub inner: usize,
}

impl Slots {
    /// The slots along an axis.
    pub fn along(shape: &[usize], axis: usize) -> Self {
        Self {
            outer: shape[..axis].iter().product(),
            slots: shape[axis],
            inner: shape[axis + 1..].iter().product(),
        }
    }

    /// The slots along the first axis behind the event's that has so many.
    pub fn along_extent(shape: &[usize], slots: usize) -> Option<Self> {
        let axis = (1..shape.len()).find(|axis| shape[*axis] == slots)?;
        Some(Self::along(shape, axis))
    }

    /// The axis of a shape that is theirs; none where a reshape has hidden it.
    pub fn axis(&self, shape: &[usize]) -> Option<usize> {
        (0..shape.len()).find(|axis| Self::along(shape, *axis) == *self && shape[*axis] > 1)
    }

    /// The slot of an element.
    pub fn slot(&self, element: usize) -> usize {
        element / self.inner % self.slots
    }

    /// The element of slot 0 at the same place.
    pub fn twin(&self, element: usize) -> usize {
        element - self.slot(element) * self.inner
    }

    /// Number of elements.
    pub fn elements(&self) -> usize {
        self.outer * self.slots * self.inner
    }

    /// Whether what `entry` says of an element is the same in all slots.
    pub fn agree<T: PartialEq>(&self, entry: impl Fn(usize) -> T) -> bool {
        (0..self.elements()).all(|e| entry(e) == entry(self.twin(e)))
    }
}

#[cfg(test)]
mod tests {
    use super::Slots;

    #[test]
    fn flat_words_have_the_slots_of_their_reshape() {
        let slots = Slots::along(&[1, 16, 20], 1);
        assert_eq!(slots.axis(&[1, 320]), None);
        assert_eq!(slots.axis(&[16, 20]), Some(0));
        assert_eq!((slots.slot(41), slots.twin(41)), (2, 1));
    }

    #[test]
    fn channels_come_first() {
        let slots = Slots::along(&[1, 3, 4], 2);
        assert_eq!((slots.outer, slots.inner), (3, 1));
        assert!(slots.agree(|e| e / 4));
        assert!(!slots.agree(|e| e % 4));
    }
}
