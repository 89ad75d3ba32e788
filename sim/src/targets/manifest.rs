//! Changes to manifests that let embedded packages live outside their workspace.

use toml::{Table, Value};

/// A package's manifest without its workspace: inherited keys are filled in, lints and everything
/// that only serves its own tests goes.
pub(super) fn standalone(package: &str, workspace: &str) -> Result<String, String> {
    let mut package = parse(package)?;
    let workspace = parse(workspace)?;
    let inherited = |section: &str, key: &str| {
        workspace
            .get("workspace")
            .and_then(|table| table.get(section))
            .and_then(|table| table.get(key))
            .cloned()
            .ok_or_else(|| format!("the workspace has no {section}.{key}"))
    };
    for key in ["lints", "dev-dependencies", "test", "bench", "example"] {
        package.remove(key);
    }
    for section in ["package", "dependencies", "build-dependencies"] {
        let shared = if section == "package" {
            "package"
        } else {
            "dependencies"
        };
        let Some(Value::Table(table)) = package.get_mut(section) else {
            continue;
        };
        for (key, value) in table.iter_mut() {
            if value.get("workspace") == Some(&Value::Boolean(true)) {
                *value = merged(inherited(shared, key)?, value);
            }
        }
    }
    Ok(package.to_string())
}

/// The workspace's dependency with the features that the package adds.
fn merged(inherited: Value, own: &Value) -> Value {
    let Some(own) = own.as_table().filter(|own| own.len() > 1) else {
        return inherited;
    };
    let mut table = match inherited {
        Value::Table(table) => table,
        version => Table::from_iter([("version".to_owned(), version)]),
    };
    for (key, value) in own.iter().filter(|(key, _)| *key != "workspace") {
        match (table.get_mut(key), value) {
            (Some(Value::Array(all)), Value::Array(more)) => all.extend(more.iter().cloned()),
            _ => drop(table.insert(key.clone(), value.clone())),
        }
    }
    Value::Table(table)
}

/// The manifest of the firmware workspace as it is unpacked: `members` only, and without a place
/// for the kernels, so that a patch decides which ones everything is built with.
pub(super) fn firmware(workspace: &str, members: &[String]) -> Result<String, String> {
    let mut manifest = parse(workspace)?;
    let table = manifest
        .get_mut("workspace")
        .and_then(Value::as_table_mut)
        .ok_or("the manifest has no workspace")?;
    let members = members.iter().cloned().map(Value::String).collect();
    table.insert("members".to_owned(), Value::Array(members));
    table.remove("exclude");
    table.remove("default-members");
    table
        .get_mut("dependencies")
        .and_then(|table| table.get_mut("hodoscope-kernels"))
        .and_then(Value::as_table_mut)
        .ok_or("the workspace does not name hodoscope-kernels")?
        .remove("path");
    Ok(manifest.to_string())
}

fn parse(text: &str) -> Result<Table, String> {
    text.parse::<Table>().map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn standalone_manifest_inherits_and_forgets_tests() {
        let workspace = r#"
            [workspace.package]
            version = "1.2.3"
            edition = "2024"
            [workspace.dependencies]
            plain = "1"
            rich = { version = "2", features = ["a"] }
        "#;
        let package = r#"
            lints.workspace = true
            [package]
            name = "p"
            version.workspace = true
            edition.workspace = true
            [dependencies]
            plain = { workspace = true, optional = true }
            rich = { workspace = true, features = ["b"] }
            own = "3"
            [dev-dependencies]
            plain.workspace = true
        "#;
        let expected = r#"
            [package]
            name = "p"
            version = "1.2.3"
            edition = "2024"
            [dependencies]
            plain = { version = "1", optional = true }
            rich = { version = "2", features = ["a", "b"] }
            own = "3"
        "#;
        let manifest = standalone(package, workspace).unwrap();
        assert_eq!(parse(&manifest), parse(expected));
        let error = standalone("[package]\nlicense.workspace = true", workspace).unwrap_err();
        assert_eq!(error, "the workspace has no package.license");
    }

    #[test]
    fn firmware_manifest_leaves_the_kernels_to_a_patch() {
        let manifest = firmware(
            r#"
                [workspace]
                members = ["kernels", "models/x"]
                [workspace.dependencies]
                hodoscope-kernels = { path = "kernels", version = "=0.1.0" }
            "#,
            &["wire".to_owned()],
        );
        let expected = r#"
            [workspace]
            members = ["wire"]
            [workspace.dependencies]
            hodoscope-kernels = { version = "=0.1.0" }
        "#;
        assert_eq!(parse(&manifest.unwrap()), parse(expected));
    }
}
