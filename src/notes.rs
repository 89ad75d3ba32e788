//! Notes and warnings: what a command says on stderr beside its result.

use std::cell::RefCell;

thread_local! {
    /// What was said to this thread's caller, while one listens.
    static HEARD: RefCell<Option<Vec<String>>> = const { RefCell::new(None) };
}

/// Says something that begins with `note:` or `warning:`: to whoever listens, else on stderr.
pub(crate) fn say(message: String) {
    let unheard = HEARD.with_borrow_mut(|heard| match heard {
        Some(messages) => {
            messages.push(message);
            None
        }
        None => Some(message),
    });
    if let Some(message) = unheard {
        eprintln!("{message}");
    }
}

/// Does `work`, and returns the notes and warnings of it, each with its `note:` or `warning:`, in place of printing them.
pub fn noted<T>(work: impl FnOnce() -> T) -> (T, Vec<String>) {
    // Set back also when `work` panics.
    struct Outer(Option<Vec<String>>);
    impl Drop for Outer {
        fn drop(&mut self) {
            HEARD.set(self.0.take());
        }
    }
    let outer = Outer(HEARD.replace(Some(vec![])));
    let done = work();
    let heard = HEARD.take().unwrap_or_default();
    drop(outer);
    (done, heard)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_listens_hears_what_is_said() {
        let ((), outer) = noted(|| {
            say("note: one".to_owned());
            let ((), inner) = noted(|| say("warning: two".to_owned()));
            assert_eq!(inner, ["warning: two"]);
            say("note: three".to_owned());
        });
        assert_eq!(outer, ["note: one", "note: three"]);
    }

    #[test]
    fn a_panic_leaves_nobody_listening() {
        let panicked = std::panic::catch_unwind(|| noted(|| panic!("on purpose")));
        assert!(panicked.is_err());
        assert!(HEARD.with_borrow(Option::is_none));
    }
}
