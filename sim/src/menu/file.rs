//! `menu.toml`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use hodoscope_menu::LINES;
use serde::Deserialize;

use super::MenuError;
use super::expression::{Expression, parse};

/// What conditions are written with.
const WORDS: [&str; 7] = ["and", "or", "not", "raw", "always", "random", "within"];

/// Most models of a menu.
const MODELS: usize = 16;

/// A menu as it is written, its conditions read.
#[derive(Clone, Debug, PartialEq)]
pub struct MenuFile {
    /// Its name.
    pub name: String,
    /// The folder of each compiled model, by the name that lines use. Their order is that of the names.
    pub models: BTreeMap<String, PathBuf>,
    pub(super) lines: Vec<LineFile>,
}

/// A line.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct LineFile {
    pub name: String,
    pub when: Expression,
    pub veto: Option<Expression>,
    pub prescale: Option<u32>,
    /// A chance and a seed.
    pub keep: Option<(f64, u32)>,
    pub shadow: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    schema: u32,
    name: String,
    models: BTreeMap<String, PathBuf>,
    #[serde(default)]
    line: Vec<LineForm>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LineForm {
    name: String,
    when: String,
    veto: Option<String>,
    prescale: Option<u32>,
    keep: Option<f64>,
    seed: Option<u32>,
    #[serde(default)]
    shadow: bool,
}

impl MenuFile {
    /// Reads a file. Folders of models are relative to it.
    ///
    /// # Errors
    /// [`MenuError`], with the line and what is wrong.
    pub fn read(path: &Path) -> Result<Self, MenuError> {
        let text = fs::read_to_string(path).map_err(|error| MenuError::Read {
            path: path.to_owned(),
            error,
        })?;
        let mut menu = Self::parse(&text, path)?;
        let folder = path.parent().unwrap_or(Path::new("."));
        for dir in menu.models.values_mut() {
            *dir = folder.join(&*dir);
        }
        Ok(menu)
    }

    /// Reads a text; `path` is for messages.
    ///
    /// # Errors
    /// [`MenuError`], with the line and what is wrong.
    pub fn parse(text: &str, path: &Path) -> Result<Self, MenuError> {
        let form: Form = toml::from_str(text).map_err(|error| MenuError::Toml {
            path: path.to_owned(),
            message: error.to_string().trim_end().to_owned(),
        })?;
        if form.schema != 1 {
            return Err(MenuError::Schema { found: form.schema });
        }
        if !(1..=MODELS).contains(&form.models.len()) {
            let count = form.models.len();
            return Err(MenuError::Models { count });
        }
        if !(1..=LINES).contains(&form.line.len()) {
            let count = form.line.len();
            return Err(MenuError::Lines { count });
        }
        let lines = form.line.iter().map(|line| &line.name);
        for name in [&form.name]
            .into_iter()
            .chain(form.models.keys())
            .chain(lines)
        {
            check_name(name)?;
        }
        // In a condition these are no models.
        let is_word = |name: &&String| WORDS.contains(&name.as_str());
        if let Some(name) = form.models.keys().find(is_word) {
            let name = name.clone();
            return Err(MenuError::Word { name });
        }
        let mut names = BTreeSet::new();
        if let Some(line) = form.line.iter().find(|line| !names.insert(&line.name)) {
            let line = line.name.clone();
            return Err(MenuError::Twice { line });
        }
        let lines = form.line.into_iter().map(line).collect::<Result<_, _>>()?;
        Ok(Self {
            name: form.name,
            models: form.models,
            lines,
        })
    }
}

fn check_name(name: &str) -> Result<(), MenuError> {
    let belongs = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let starts = name.starts_with(|c: char| c.is_ascii_alphabetic());
    if starts && name.len() <= 64 && name.chars().all(belongs) {
        return Ok(());
    }
    let name = name.to_owned();
    Err(MenuError::Name { name })
}

fn line(form: LineForm) -> Result<LineFile, MenuError> {
    let read = |key, text: &str| {
        parse(text).map_err(|(message, at)| MenuError::Expression {
            line: form.name.clone(),
            key,
            message,
            at,
        })
    };
    let when = read("when", &form.when)?;
    let veto = form.veto.as_deref().map(|text| read("veto", text));
    let veto = veto.transpose()?;
    let wrong = |message| MenuError::Prescale {
        line: form.name.clone(),
        message,
    };
    if form.prescale == Some(0) {
        return Err(wrong(
            "a prescale is 1 or more; leave a line out that accepts nothing",
        ));
    }
    let keep = match (form.keep, form.seed) {
        (None, None) => None,
        (Some(_), _) if form.prescale.is_some() => {
            return Err(wrong("it has prescale and keep; give one of them"));
        }
        (Some(chance), Some(seed)) => Some((chance, seed)),
        (Some(_), None) => return Err(wrong("keep draws numbers: give a seed")),
        (None, Some(_)) => return Err(wrong("a seed without keep does nothing")),
    };
    Ok(LineFile {
        name: form.name,
        when,
        veto,
        prescale: form.prescale,
        keep,
        shadow: form.shadow,
    })
}
