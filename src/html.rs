//! report.html: a page that needs nothing but itself.

use std::fmt::Write as _;

use crate::compiled::{Compiled, overflow};
use crate::loss::Figures;
use crate::report::thousands;

const STYLE: &str = "\
body{font:15px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem;color:#222}\
table{border-collapse:collapse;margin:.5rem 0 1.5rem}\
th,td{padding:.2rem .8rem;border-bottom:1px solid #ddd;text-align:right}\
th:first-child,td:first-child{text-align:left}th{border-bottom:2px solid #999}\
code{background:#f4f4f4;padding:.1rem .3rem;overflow-wrap:anywhere}.warn{color:#b00020;font-weight:bold}";

/// The page.
pub fn page(compiled: &Compiled) -> String {
    let mut page = String::new();
    let name = escape(&compiled.name);
    // Writing to a string does not fail.
    let _ = write!(
        page,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <title>{name} – hodoscope</title>\n<style>{STYLE}</style>\n</head>\n<body>\n\
         <h1>{name}</h1>\n\
         <p>Compiled by hodoscope {} from the ONNX graph <code>{}</code>. \
         SHA-256 of the program: <code>{}</code></p>\n",
        env!("CARGO_PKG_VERSION"),
        escape(&compiled.graph),
        compiled.sha256
    );
    size(&mut page, compiled);
    inputs(&mut page, compiled);
    loss(&mut page, compiled);
    calibration(&mut page, compiled);
    layers(&mut page, compiled);
    page += "</body>\n</html>\n";
    page
}

fn size(page: &mut String, compiled: &Compiled) {
    *page += "<h2>Size</h2>\n";
    let rows = [
        ("Weights and biases, bytes", compiled.weight_bytes),
        ("Tables, bytes", compiled.table_bytes),
        (
            "Multiply-accumulates per event, all slots filled",
            compiled.macs,
        ),
    ];
    let rows = rows.map(|(what, figure)| vec![what.to_owned(), thousands(figure)]);
    table(page, &["", ""], &rows);
}

fn inputs(page: &mut String, compiled: &Compiled) {
    *page += "<h2>Detector words</h2>\n";
    let mut rows = Vec::new();
    for input in &compiled.inputs {
        for field in &input.fields {
            rows.push(vec![
                format!("{}.{}", input.name, field.name),
                match field.zero_point() {
                    0 => format!("{:?} {}", field.lsb, field.unit),
                    zero => format!("{:?} {} from {zero}", field.lsb, field.unit),
                },
                format!("{} … {}", field.minimum, field.maximum),
                overflow(field.overflow).to_owned(),
                field.empty.to_string(),
                if input.per_constituent {
                    "constituent"
                } else {
                    "event"
                }
                .to_owned(),
            ]);
        }
    }
    table(
        page,
        &["field", "one count", "words", "outside", "empty", "per"],
        &rows,
    );
    for set in &compiled.sets {
        let _ = writeln!(
            *page,
            "<p>Set <code>{}</code>: up to {} constituents, live where <code>{}</code>.</p>",
            escape(&set.name),
            set.capacity,
            escape(&set.live)
        );
    }
}

fn calibration(page: &mut String, compiled: &Compiled) {
    let Some(c) = &compiled.calibration else {
        *page += "<h2>Quantisation</h2>\n<p>The network came with its own quantisers: the program computes their integers, and nothing was calibrated.</p>\n";
        return;
    };
    *page += "<h2>Calibration</h2>\n";
    let class = if c.lost > 0 { " class=\"warn\"" } else { "" };
    let _ = writeln!(
        *page,
        "<p>{} events, {:.1} constituents on average. <span{class}>Constituents lost to rounding: {}.</span> \
         On the events that the search for widths compares: {:.3} % of the pairs ordered differently, \
         relative rms error of outputs with several values {:.2e}.</p>",
        thousands(c.events as u64),
        c.mean_multiplicity,
        c.lost,
        100.0 * c.loss.disordered,
        c.loss.relative_rms
    );
    let rows: Vec<_> = compiled
        .formats
        .iter()
        .map(|format| {
            vec![
                format.name.clone(),
                format.width.to_string(),
                format.frac.to_string(),
                format!("{:.4} … {:.4}", format.range.0, format.range.1),
                format!("{:.1}", format.sqnr_db),
            ]
        })
        .collect();
    let header = [
        "activation",
        "bits",
        "fraction bits",
        "float range",
        "signal over noise, dB",
    ];
    table(page, &header, &rows);
}

fn loss(page: &mut String, compiled: &Compiled) {
    let Some(loss) = &compiled.loss else {
        return;
    };
    *page += "<h2>Loss</h2>\n";
    if let Some(found) = loss.found() {
        let accepted = if loss.accepted {
            "Accepted"
        } else {
            "Over tolerance"
        };
        let _ = writeln!(
            *page,
            "<p class=\"warn\">{accepted}: {}</p>",
            escape(&found)
        );
    }
    let _ = writeln!(
        *page,
        "<p>Fixed against float, {}.</p>",
        escape(&loss.which)
    );
    let rows: Vec<_> = loss.outputs.iter().map(|f| f.row().to_vec()).collect();
    table(page, &Figures::HEADER, &rows);
    let rows: Vec<_> = loss
        .words
        .iter()
        .map(|words| {
            vec![
                format!("{}.{}", words.input, words.field),
                thousands(words.live),
                thousands(words.saturated),
                format!("{:.3} %", 100.0 * words.fraction()),
            ]
        })
        .collect();
    table(page, &["field", "live words", "saturated", ""], &rows);
}

fn layers(page: &mut String, compiled: &Compiled) {
    *page += "<h2>Program, with what the verifier proved</h2>\n\
              <p>Every raw lies in the proved range whatever the event: no accumulator can overflow.</p>\n";
    let rows: Vec<_> = compiled
        .layers
        .iter()
        .map(|layer| {
            vec![
                layer.name.clone(),
                layer.operation.to_owned(),
                layer.shape.clone(),
                layer.element.clone(),
                layer.scale.clone(),
                format!("{} … {}", layer.minimum, layer.maximum),
                layer.proved_bits.to_string(),
            ]
        })
        .collect();
    let header = [
        "value",
        "operation",
        "shape",
        "type",
        "one count",
        "proved raws",
        "bits needed",
    ];
    table(page, &header, &rows);
    *page += "<h2>Layouts of dense layers</h2>\n\
              <p>The first is taken, of those that are proved exact: with modelled cycles per run, and bytes of weights, biases and shifts in flash. By default it is the cheapest, or one that costs a 32nd more and takes one byte per weight, not two; <code>--layouts</code> asks for fewer bytes.</p>\n";
    let rows: Vec<_> = compiled
        .plans
        .iter()
        .flat_map(|plan| {
            plan.layers.iter().map(|layer| {
                vec![
                    plan.isa.to_string(),
                    layer.name.clone(),
                    layer.taken(),
                    layer.rejected(),
                ]
            })
        })
        .collect();
    table(page, &["core", "layer", "taken", "rejected"], &rows);
    let rows: Vec<_> = compiled
        .plans
        .iter()
        .flat_map(|plan| {
            plan.tables.iter().map(|table| {
                vec![
                    plan.isa.to_string(),
                    table.name.clone(),
                    table.cells(),
                    thousands(table.bytes),
                ]
            })
        })
        .collect();
    let activations: Vec<_> = compiled
        .plans
        .iter()
        .map(|plan| {
            vec![
                plan.isa.to_string(),
                thousands(plan.activation_bytes as u64),
            ]
        })
        .collect();
    *page += "<h2>Activations</h2>\n\
              <p>Values that are not needed together share memory. It is a part of the stack.</p>\n";
    table(page, &["core", "bytes"], &activations);
    let blocks: Vec<_> = compiled
        .plans
        .iter()
        .flat_map(|plan| {
            plan.blocks.iter().map(|blocks| {
                vec![
                    plan.isa.to_string(),
                    blocks.name.clone(),
                    blocks.rows.to_string(),
                    thousands(blocks.saved_bytes as u64),
                    thousands(blocks.modelled_cycles),
                ]
            })
        })
        .collect();
    if !blocks.is_empty() {
        *page += "<p>Computed in blocks of rows, each compared at once: the whole array is never there.</p>\n";
        table(
            page,
            &["core", "layer", "rows", "bytes saved", "modelled cycles"],
            &blocks,
        );
    }
    if !rows.is_empty() {
        *page += "<h2>Tables over the detector's grid</h2>\n";
        table(page, &["core", "value", "cells", "bytes"], &rows);
    }
    *page += "<h2>Outputs</h2>\n";
    let rows: Vec<_> = compiled
        .outputs
        .iter()
        .map(|(name, layer)| vec![name.clone(), layer.clone()])
        .collect();
    table(page, &["output", "value"], &rows);
}

fn table(page: &mut String, header: &[&str], rows: &[Vec<String>]) {
    *page += "<table>\n";
    if header.iter().any(|cell| !cell.is_empty()) {
        let cells = header
            .iter()
            .map(|cell| format!("<th>{}</th>", escape(cell)));
        let _ = writeln!(*page, "<tr>{}</tr>", cells.collect::<String>());
    }
    for row in rows {
        let cells = row.iter().map(|cell| format!("<td>{}</td>", escape(cell)));
        let _ = writeln!(*page, "<tr>{}</tr>", cells.collect::<String>());
    }
    *page += "</table>\n";
}

/// Text that means itself in HTML, attributes included.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped += "&amp;",
            '<' => escaped += "&lt;",
            '>' => escaped += "&gt;",
            '"' => escaped += "&quot;",
            '\'' => escaped += "&#39;",
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::escape;

    #[test]
    fn names_of_a_model_cannot_be_markup() {
        let text = escape("<script>\"a\" & 'b'</script>");
        assert_eq!(
            text,
            "&lt;script&gt;&quot;a&quot; &amp; &#39;b&#39;&lt;/script&gt;"
        );
    }
}
