//! MENU: a `menu.toml` with the compiled models that it names.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use hodoscope_sim::menu::{InForce, Menu, MenuFile, ModelOutput};
use hodoscope_sim::targets::{Board, BuildOptions, Built, Cache, MenuBuild, build_menu};

use crate::execute::{self, OutputSlice};
use crate::model_dir::ModelDir;
use crate::progress;

/// A menu and its models.
#[derive(Debug)]
pub struct MenuDir {
    /// The menu, over the raws of the models.
    pub menu: Menu,
    /// The menu as boards have it.
    pub code: Vec<u8>,
    /// The models by the names that lines use, in the order of their raws.
    pub models: Vec<(String, ModelDir)>,
    /// Of each model the part of an event that it reads.
    pub parts: Vec<usize>,
    outputs: BTreeMap<String, Vec<ModelOutput>>,
}

/// Whether a path is a menu and no compiled model.
pub fn is_menu(path: &Path) -> bool {
    path.extension()
        .is_some_and(|extension| extension == "toml")
}

impl MenuDir {
    /// Reads a menu and its models.
    pub fn read(path: &Path) -> Result<Self> {
        let of = || path.display().to_string();
        let file = MenuFile::read(path).with_context(of)?;
        let models: Vec<(String, ModelDir)> = file
            .models
            .iter()
            .map(|(name, dir)| {
                let model = ModelDir::read(dir).with_context(|| format!("model `{name}`"));
                Ok((name.clone(), model.with_context(of)?))
            })
            .collect::<Result<_>>()?;
        let outputs = models
            .iter()
            .map(|(name, model)| (name.clone(), outputs(model)))
            .collect();
        let menu = Menu::resolve(&file, &outputs).with_context(of)?;
        let code = menu.code().with_context(of)?;
        Ok(Self {
            parts: parts(&models),
            menu,
            code,
            models,
            outputs,
        })
    }

    /// Another menu for the same firmware, and its code.
    fn change(&self, path: &Path) -> Result<(Menu, Vec<u8>)> {
        let of = || path.display().to_string();
        let file = MenuFile::read(path).with_context(of)?;
        for (name, dir) in &file.models {
            let known = self.models.iter().find(|(own, _)| own == name);
            let Some((_, known)) = known else {
                bail!(
                    "{}: the firmware has no model `{name}`; a menu that is changed to has models of the first one",
                    path.display()
                );
            };
            let model = ModelDir::read(dir).with_context(of)?;
            if model.program != known.program {
                bail!(
                    "{}: `{name}` is another program than in the first menu",
                    path.display()
                );
            }
        }
        let menu = Menu::resolve(&file, &self.outputs).with_context(of)?;
        let code = menu.code().with_context(of)?;
        Ok((menu, code))
    }

    /// This menu, and those that `changes` name, `MENU.toml@EVENT`, each with its first event of `events`.
    pub fn in_force(&self, changes: &[String], events: u64) -> Result<Vec<InForce>> {
        let mut menus = vec![InForce {
            first: 0,
            menu: self.menu.clone(),
            code: self.code.clone(),
        }];
        for change in changes {
            let (path, first) = parse_change(change)?;
            let last = menus.last().map_or(0, |own| own.first);
            if first <= last || u64::from(first) >= events {
                bail!(
                    "--change {change}: a change comes after event {last} and before event {events}, in the order in which they are given"
                );
            }
            let (menu, code) = self.change(Path::new(path))?;
            menus.push(InForce { first, menu, code });
        }
        Ok(menus)
    }

    /// What its firmware is built from.
    pub fn firmware(&self) -> MenuBuild {
        MenuBuild {
            name: self.menu.name.clone(),
            models: self
                .models
                .iter()
                .map(|(_, model)| model.dir.clone())
                .collect(),
            parts: self.parts.clone(),
            code: self.code.clone(),
        }
    }

    /// Of each part of an event the first model that reads it, part by part.
    pub fn firsts(&self) -> impl Iterator<Item = usize> {
        (0..).map_while(|part| self.parts.iter().position(|own| *own == part))
    }

    /// Builds its firmware.
    pub fn build(&self, board: &Board) -> Result<Built> {
        let what = format!("the menu {} for {}", self.menu.name, board.name);
        let spinner = progress::spinner(&format!("building {what}"));
        let built = build_menu(
            &self.firmware(),
            board,
            &BuildOptions::default(),
            &Cache::from_env()?,
        );
        spinner.finish_and_clear();
        built.with_context(|| what)
    }
}

fn outputs(model: &ModelDir) -> Vec<ModelOutput> {
    let of = |output: OutputSlice| ModelOutput {
        lsbs: (0..output.width)
            .map(|channel| output.lsb(channel))
            .collect(),
        name: output.name,
    };
    execute::outputs(&model.program)
        .into_iter()
        .map(of)
        .collect()
}

/// Models that read the same words share a part of the event.
fn parts(models: &[(String, ModelDir)]) -> Vec<usize> {
    let mut firsts: Vec<&ModelDir> = Vec::new();
    let mut parts = Vec::new();
    for (_, model) in models {
        let own = &model.program;
        let known = firsts
            .iter()
            .position(|first| first.program.inputs == own.inputs && first.program.sets == own.sets);
        parts.push(known.unwrap_or(firsts.len()));
        if known.is_none() {
            firsts.push(model);
        }
    }
    parts
}

/// Inputs as they are given: `MODEL=X.npz`, or one file for all models.
pub fn inputs_of(menu: &MenuDir, given: &[String]) -> Result<Vec<PathBuf>> {
    let mut of_all = None;
    let mut own = BTreeMap::new();
    for text in given {
        let named = text.split_once('=');
        match named {
            Some((name, path)) if menu.models.iter().any(|(own, _)| own == name) => {
                if own.insert(name, PathBuf::from(path)).is_some() {
                    bail!("--inputs {text}: `{name}` has a file already");
                }
            }
            _ if of_all.is_some() => {
                let names: Vec<&str> = menu.models.iter().map(|(name, _)| &**name).collect();
                bail!(
                    "--inputs {text}: give one file for all models, or MODEL=X.npz for {}",
                    names.join(", ")
                );
            }
            _ => of_all = Some(PathBuf::from(text)),
        }
    }
    let files: Vec<PathBuf> = menu
        .models
        .iter()
        .map(|(name, _)| {
            let path = own.get(&**name).or(of_all.as_ref());
            path.cloned()
                .with_context(|| format!("give events for `{name}` with --inputs {name}=X.npz"))
        })
        .collect::<Result<_>>()?;
    for (index, part) in menu.parts.iter().enumerate() {
        let first = menu
            .parts
            .iter()
            .position(|own| own == part)
            .unwrap_or(index);
        if files[first] != files[index] {
            bail!(
                "`{}` and `{}` read the same words of an event: give both one file, not {} and {}",
                menu.models[first].0,
                menu.models[index].0,
                files[first].display(),
                files[index].display()
            );
        }
    }
    Ok(files)
}

/// `MENU.toml@EVENT`.
fn parse_change(text: &str) -> Result<(&str, u32)> {
    let parts = text.rsplit_once('@');
    let event = parts.and_then(|(path, event)| Some((path, event.parse().ok()?)));
    event.with_context(|| {
        format!(
            "--change {text}: give a menu and the event from which it holds, as other.toml@5000"
        )
    })
}
