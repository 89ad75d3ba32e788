//! Finds installed programs.

use std::env;
use std::path::{Path, PathBuf};

use super::TargetError;

/// The program `name` in `PATH`.
///
/// # Errors
/// [`TargetError::MissingTool`], which says how to `install` it.
pub(crate) fn find(name: &str, install: &str) -> Result<PathBuf, TargetError> {
    let file = format!("{name}{}", env::consts::EXE_SUFFIX);
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .filter(|dir| !dir.as_os_str().is_empty())
        .map(|dir| dir.join(&file))
        .find(|path| is_executable(path))
        .ok_or_else(|| TargetError::MissingTool {
            tool: name.to_owned(),
            install: install.to_owned(),
        })
}

#[cfg(unix)]
fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata()
        .is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_executable(path: &Path) -> bool {
    path.is_file()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_tool_says_how_to_install_it() {
        let error = find("qemu-system-none", "run: apt-get install it").unwrap_err();
        assert_eq!(
            error.to_string(),
            "`qemu-system-none` is not installed; run: apt-get install it"
        );
        assert_eq!(error.exit_code(), 3);
        assert!(find("sh", "").is_ok_and(|path| path.is_absolute()));
    }
}
