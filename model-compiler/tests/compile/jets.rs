//! Networks as exporters write them, through the whole compiler: the integer program against onnxruntime's floats.
//!
//! The bar: with 16-bit weights and activations the rms error is at most 2⁻⁹ of an output's range; with 8-bit weights
//! the area under the ROC curve stays within 0.001. A subset runs by default; `HODOSCOPE_JETS=all` takes every file and
//! `HODOSCOPE_JETS=TEXT` those whose name has the text. `cargo test … -- --nocapture` shows the table.

use crate::import_support;
use crate::jets_support::{Row, compile_file, float_files};
use hodoscope_compiler::quantise::{Activations, Options};
use std::fmt::Write as _;

/// Largest rms error at 16 bits, as a fraction of an output's range.
const RMS: f64 = 1.0 / 512.0;
/// Least fraction of equal class labels: those of events between two classes may turn over.
const LABELS: f64 = 0.998;
/// Largest change of the area under the ROC curve at 8 bits.
const AUC: f64 = 0.001;

/// One file of each form; the others are the same networks from other exporters.
const SUBSET: [&str; 20] = [
    "ef_efn32.tf13",
    "ef_pfn32.tf18",
    "hgq_mlp.tf13",
    "jet_ae48.dyn18",
    "k3_conv1d_max.tf13",
    "k3_l1_ae57_bn.tf13",
    "k3_pfn16_gap.fk13",
    "k3_pfn16_gap.tf13",
    "l1_vae_mu2.legacy13",
    "qg_efn16.dyn18",
    "qg_efn16_two_einsum.legacy13",
    "qg_pfn16_forms.dyn20",
    "qg_pfn16_jax.jax18",
    "qg_pfn8_where.legacy13",
    "sk_mlp_top.zipmap13",
    "top_efn32_matmul.dyn18",
    "top_pfn16_maskin.legacy18",
    "top_pfn32_nomask.dyn18",
    "l1_ae57.dyn18",
    "l1_vae_mu2_nobn.dyn18",
];

#[test]
fn every_network_compiles_within_the_bar() {
    let Some(folder) = import_support::shared("jets") else {
        return;
    };
    let wanted = std::env::var("HODOSCOPE_JETS").ok();
    let files = float_files(&folder);
    let chosen: Vec<_> = files
        .iter()
        .filter(|path| {
            let name = path.file_stem().map(|s| s.to_string_lossy().into_owned());
            let name = name.unwrap_or_default();
            match wanted.as_deref() {
                Some("all") => true,
                Some(text) => name.contains(text),
                None => SUBSET.contains(&name.as_str()),
            }
        })
        .collect();
    let sixteen = Options {
        weights: 16,
        activations: Activations::Sixteen,
    };
    let eight = Options {
        weights: 8,
        activations: Activations::Sixteen,
    };
    let mut table = format!(
        "{:40} {:>6} {:>10} {:>8} {:>8} {:>8} {:>6}\n",
        "file", "events", "rms 16/16", "float", "16/16", "8/16", "macs"
    );
    let mut failures = Vec::new();
    for path in &chosen {
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        let rows = [sixteen, eight].map(|options| compile_file(path, &folder, &options));
        let [Ok(sixteen), Ok(eight)] = &rows else {
            let reason = rows.into_iter().find_map(Result::err).unwrap_or_default();
            let _ = writeln!(table, "{name:40} REFUSED {reason}");
            failures.push(format!("{name}: {reason}"));
            continue;
        };
        let auc = |row: &Row| {
            row.auc
                .map_or("-".into(), |(_, fixed)| format!("{fixed:.4}"))
        };
        let float = sixteen.auc.map_or("-".into(), |(f, _)| format!("{f:.4}"));
        let _ = writeln!(
            table,
            "{name:40} {:>6} {:>10.2e} {float:>8} {:>8} {:>8} {:>6}",
            sixteen.events,
            sixteen.rms,
            auc(sixteen),
            auc(eight),
            sixteen.macs
        );
        if sixteen.labels_agree < LABELS {
            failures.push(format!("{name}: {:.4} of the labels", sixteen.labels_agree));
        }
        if sixteen.rms > RMS {
            failures.push(format!("{name}: rms {:.2e} at 16 bits", sixteen.rms));
        }
        if let Some((float, fixed)) = eight.auc
            && (float - fixed).abs() > AUC
        {
            failures.push(format!("{name}: AUC {float:.4} → {fixed:.4} at 8 bits"));
        }
    }
    println!("{table}{} of {} float files", chosen.len(), files.len());
    assert!(!chosen.is_empty(), "no file is called that");
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
