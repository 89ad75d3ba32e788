//! Formats that were tried and have no program.

use std::cell::RefCell;

use super::QuantiseError;

/// Why formats that were tried have no program: the first reason.
#[derive(Debug, Default)]
pub(super) struct Refused(RefCell<Option<String>>);

impl Refused {
    /// What was made, or nothing where that is refused.
    ///
    /// # Errors
    /// When no formats would help.
    pub fn kept<T>(&self, trial: Result<T, QuantiseError>) -> Result<Option<T>, QuantiseError> {
        use QuantiseError::{Calibration, Exact, Graph, Input, Layer, Options, Verify};
        match trial {
            Ok(made) => Ok(Some(made)),
            Err(reason @ (Layer { .. } | Exact(_) | Graph(_) | Verify(_))) => {
                self.0.borrow_mut().get_or_insert(reason.to_string());
                Ok(None)
            }
            Err(other @ (Options(_) | Calibration(_) | Input { .. })) => Err(other),
        }
    }

    /// The reason, if something was refused.
    pub fn reason(&self) -> Option<String> {
        self.0.borrow().clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_reason_is_kept_and_what_no_format_mends_is_an_error() {
        let refused = Refused::default();
        assert_eq!(refused.kept(Ok(3)), Ok(Some(3)));
        assert_eq!(refused.reason(), None);
        let layer = |reason: &str| QuantiseError::Layer {
            layer: "phi".into(),
            reason: reason.into(),
        };
        assert_eq!(refused.kept::<()>(Err(layer("too wide"))), Ok(None));
        assert_eq!(refused.kept::<()>(Err(layer("wider"))), Ok(None));
        assert_eq!(refused.reason(), Some(layer("too wide").to_string()));
        let calibration = QuantiseError::Calibration("no event".into());
        assert_eq!(
            refused.kept::<()>(Err(calibration.clone())),
            Err(calibration)
        );
    }
}
