//! `compute/PLAN.rs`: one kernel call per step.

use hodoscope_program::{ConstantId, TreeAggregate, ValueId};

use super::{event_arguments, rows, summands, twins};
use crate::emit::code::Code;
use crate::emit::names::{self, variable};
use crate::plan::layout::{Layout, Storage, filled};
use crate::plan::{Accumulator, Axis, Kernel, Pair, Plan, Requantise, Step};
use crate::windows::windows;

/// The module of one plan.
pub(super) fn module(plan: &Plan<'_>) -> String {
    let body = body(plan);
    let mut code = Code::new();
    code.line(format!(
        "//! The layers as planned for {}, in the program's order. Each value carries its number in the",
        plan.isa
    ));
    code.line("//! program.");
    code.gap();
    let used = |modules: &[&str]| -> Vec<String> {
        let modules = modules.iter();
        let used = modules.filter(|module| {
            let call = format!("{module}::");
            body.match_indices(&call)
                .any(|(at, _)| !body[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_'))
        });
        used.map(ToString::to_string).collect()
    };
    let layouts = Layout::ALL.map(Layout::name);
    let mut uses: Vec<String> = used(&layouts)
        .into_iter()
        .map(|layout| format!("layout::{layout}"))
        .collect();
    let stored: Vec<&str> = ["Pairs", "Twins"]
        .into_iter()
        .filter(|ty| body.contains(&format!("{ty}::<")) || body.contains(&format!(": {ty}<")))
        .collect();
    match stored[..] {
        [] => {}
        [one] => uses.push(format!("layout::pairs::{one}")),
        _ => uses.push(format!("layout::pairs::{{{}}}", stored.join(", "))),
    }
    uses.extend(used(&["grid"]));
    uses.extend(["model::Observer".into(), "plans".into()]);
    uses.extend(used(&[
        "divide", "gather", "matrix", "quotient", "rank", "reduce", "rescale", "root", "rounding",
        "stepwise", "trees", "unary",
    ]));
    code.line(format!("use hodoscope_kernels::{{{}}};", uses.join(", ")));
    code.gap();
    if body.contains("w::") {
        code.line("use crate::weights as w;");
    }
    if body.contains("adders::") {
        code.line("use crate::adders;");
    }
    let own: Vec<&str> = ["Constituent", "Event", "Header", "Outputs"]
        .into_iter()
        .filter(|ty| body.contains(&format!("&{ty}")) || *ty == "Outputs")
        .collect();
    code.line(format!("use crate::{{{}}};", own.join(", ")));
    let shared = match plan.program.sets.is_empty() {
        true => "use super::Plan;",
        false => "use super::{Plan, Sums};",
    };
    code.gap();
    code.line(shared);
    code.gap();
    code.finish() + &body
}

fn body(plan: &Plan<'_>) -> String {
    let mut code = Code::new();
    let has_set = !plan.program.sets.is_empty();
    if has_set {
        code.line("/// What a constituent adds to the sums.");
        code.line("pub struct Summands {");
        for id in summands(plan) {
            let value = plan.program.value(id);
            code.line(format!(
                "{}: {}, // {}",
                variable(id),
                array(plan, id),
                value.name
            ));
        }
        code.line("}").gap();
    }
    code.line(format!("impl Plan for plans::{} {{", plan.isa.type_name()));
    if has_set {
        constituent(&mut code, plan);
        if plan.twins {
            twins::constituents(&mut code);
        }
    }
    event(&mut code, plan);
    code.line("}");
    if plan.twins {
        twins::function(code.gap(), plan);
    }
    code.finish()
}

fn constituent(code: &mut Code, plan: &Plan<'_>) {
    code.line("type Summands = Summands;").gap();
    code.line("#[inline]");
    code.line("fn constituent<O: Observer>(words: &Constituent, row: u16, observer: &mut O) -> Summands {");
    for step in &plan.constituent {
        call(code, plan, step, Scope::CONSTITUENT);
    }
    let fields: Vec<String> = summands(plan).into_iter().map(variable).collect();
    code.line(format!("Summands {{ {} }}", fields.join(", ")));
    code.line("}").gap();
    for (function, by) in super::changes(plan) {
        code.line("#[inline(always)]");
        code.line(format!(
            "fn {function}(sums: &mut Sums, summands: &Summands) {{"
        ));
        for sum in &plan.pooled {
            let function = match sum.empty {
                Some(_) => "maximum",
                None => function,
            };
            let (sum, x, sum_x) = (variable(sum.result), variable(sum.x), sum.x);
            code.line(format!(
                "reduce::{function}(&mut sums.{sum}, &{});",
                own(plan, sum_x, &format!("summands.{x}"))
            ));
        }
        if plan.counts() {
            code.line(format!("sums.multiplicity {by};"));
        }
        code.line("}").gap();
    }
}

fn event(code: &mut Code, plan: &Plan<'_>) {
    let program = plan.program;
    code.line("#[inline]");
    code.line(format!(
        "fn event<O: Observer>({}) -> Outputs {{",
        event_arguments(plan).join(", ")
    ));
    for sum in &plan.pooled {
        let name = variable(sum.result);
        let own = own(plan, sum.result, &name);
        if let Some(empty) = sum.empty {
            let constant = names::constant(empty.index(), &program.constant(empty).name);
            let capacity = program.sets.first().map_or(0, |set| set.capacity);
            code.line(zeros(plan, sum.result, ""));
            code.line(format!(
                "reduce::maximum_with_empty(&sums.{name}, &w::{constant}, sums.multiplicity == {capacity}, &mut {own});"
            ));
        } else if own == name && storage(plan, sum.result) == sum.accumulator.name() {
            code.line(format!("let {name} = sums.{name};"));
        } else {
            code.line(zeros(plan, sum.result, ""));
            code.line(format!("unary::copy(&sums.{name}, &mut {own});"));
        }
        let id = sum.result.index();
        code.line(format!("observer.values({id}, 0, &{own});"));
    }
    for step in &plan.event {
        call(code, plan, step, Scope::EVENT);
    }
    // An output's type is the program's, however the plan stores it.
    let fields = names::fields(program.outputs.iter().map(|o| o.name.as_str()));
    let mut values = vec![];
    for (output, field) in program.outputs.iter().zip(&fields) {
        let (name, value) = (
            rows::variable(plan, output.value),
            program.value(output.value),
        );
        let own = own(plan, output.value, &name);
        if own == name {
            values.push(format!("{field}: {name}"));
            continue;
        }
        let (ty, channels) = (names::storage(value), value.shape.channels());
        code.line(format!("let mut o_{field} = [0{ty}; {channels}];"));
        code.line(format!("unary::copy(&{own}, &mut o_{field});"));
        values.push(format!("{field}: o_{field}"));
    }
    let fields = values;
    code.line(format!("Outputs {{ {} }}", fields.join(", ")));
    code.line("}");
}

/// The Rust type of an element of a value, as the plan stores it.
pub(super) fn storage(plan: &Plan<'_>, id: ValueId) -> String {
    match plan.storage[id.index()] {
        Storage::Narrowest => names::storage(plan.program.value(id)),
        Storage::Pairs => "i16".into(),
        Storage::Words => "i32".into(),
    }
}

/// The Rust type of a value, as the plan stores it.
fn array(plan: &Plan<'_>, id: ValueId) -> String {
    let value = plan.program.value(id);
    let channels = value.shape.channels();
    match plan.storage[id.index()] {
        Storage::Narrowest => names::array(value),
        Storage::Pairs => format!("Pairs<{}>", filled(channels)),
        Storage::Words => format!("[i32; {}]", filled(channels)),
    }
}

/// A place in which a value's elements stand first, without what it is filled up with.
pub(super) fn own(plan: &Plan<'_>, id: ValueId, place: &str) -> String {
    match plan.storage[id.index()] {
        Storage::Narrowest => place.into(),
        Storage::Pairs | Storage::Words => {
            format!("{place}[..{}]", plan.program.value(id).shape.channels())
        }
    }
}

/// Where a kernel reads a layer's weights, bias and shifts.
pub(super) struct Constants {
    pub weights: String,
    bias: String,
    requantise: String,
    /// Whether `weights` is all of it.
    stream: bool,
}

pub(super) fn constants(plan: &Plan<'_>, step: &Step) -> Option<Constants> {
    let (weights, bias, layout, requantise) = match &step.kernel {
        Kernel::Dense {
            weights,
            bias,
            layout,
            ..
        } => (weights, bias, layout, None),
        Kernel::DenseRescale {
            weights,
            bias,
            layout,
            requantise,
            ..
        } => (weights, bias, layout, Some(requantise)),
        _ => return None,
    };
    let packed = layout.constants(&plan.layer(step)?);
    let id = step.result.index();
    let program = |id: ConstantId| names::constant(id.index(), &plan.program.constant(id).name);
    let name = |packed: bool, what: &str, own: String| match packed {
        true => format!("w::{}", names::packed(id, *layout, what)),
        false => format!("w::{own}"),
    };
    let requantise = requantise.map(|requantise| match packed.shifts {
        Some(_) => format!(
            "rescale::Shift(&w::{})",
            names::packed(id, *layout, "SHIFTS")
        ),
        None => requantiser(id, requantise),
    });
    let stream = packed.stream.is_some();
    let weights = name(packed.weights.is_some(), "WEIGHTS", program(*weights));
    Some(Constants {
        stream,
        weights: match (stream, packed.blocks) {
            (true, _) => format!("&w::{}", names::packed(id, *layout, "STREAM")),
            (_, Some(_)) => format!("(&{weights}, &w::{})", names::packed(id, *layout, "BLOCKS")),
            _ => format!("&{weights}"),
        },
        bias: name(packed.bias.is_some(), "BIAS", program(*bias)),
        requantise: requantise.unwrap_or_default(),
    })
}

/// For what a step is computed.
#[derive(Clone, Copy)]
pub(super) struct Scope {
    /// The variable of the words.
    pub words: &'static str,
    /// What is appended to the variables of values.
    pub suffix: &'static str,
    /// The row of the set.
    pub row: &'static str,
}

impl Scope {
    const EVENT: Self = Self {
        words: "words",
        suffix: "",
        row: "0",
    };
    const CONSTITUENT: Self = Self {
        row: "row",
        ..Self::EVENT
    };
    pub const TWINS: [Self; 2] = [
        Self {
            words: "first",
            suffix: "a",
            row: "row",
        },
        Self {
            words: "second",
            suffix: "b",
            row: "row + 1",
        },
    ];
}

/// The lines of one step.
pub(super) fn call(code: &mut Code, plan: &Plan<'_>, step: &Step, scope: Scope) {
    let value = plan.result(step);
    let Scope { words, suffix, row } = scope;
    let id = step.result.index();
    let name = format!("{}{suffix}", variable(step.result));
    // Whole, and without what it was filled up with.
    let y = own(plan, step.result, &name);
    let bare = |id: ConstantId| names::constant(id.index(), &plan.program.constant(id).name);
    let constant = |id: ConstantId| format!("w::{}", bare(id));
    code.line(format!("// {}", value.name));
    let named = |id: ValueId| {
        let name = format!("{}{suffix}", rows::variable(plan, id));
        own(plan, id, &name)
    };
    if rows::is_alias(plan, step) {
        let y = named(step.result);
        code.line(format!("observer.values({id}, {row}, &{y});"));
        return;
    }
    let zeros = zeros_of(plan, step, suffix);
    let stored = storage(plan, step.result);
    let v = |id: &ValueId| named(*id);
    // What stores `from` as this step's result is stored: nothing where that is the same.
    let cast = |from: &str| match stored.as_str() {
        ty if ty == from => String::new(),
        ty => format!(" as {ty}"),
    };
    // Element by element; what a layout fills up with stays zero.
    let listed = |elements: Vec<String>| match plan.storage[id] {
        Storage::Narrowest => vec![format!("let {name} = [{}];", elements.join(", "))],
        Storage::Pairs | Storage::Words => {
            let each = elements.iter().enumerate();
            let each = each.map(|(c, element)| format!("{name}[{c}] = {element};"));
            std::iter::once(zeros.clone()).chain(each).collect()
        }
    };
    let lines: Vec<String> = match &step.kernel {
        Kernel::Words { input } => {
            let names = names::fields(plan.program.inputs.iter().map(|i| i.name.as_str()));
            let field = &names[input.index()];
            let take = match names::fills_type(plan.program.input(*input), value) {
                true => format!("unary::copy(&{words}.{field}, &mut {y});"),
                false => format!(
                    "rescale::words(&{words}.{field}, &w::S{id}_MINIMUM, &w::S{id}_MAXIMUM, &mut {y});"
                ),
            };
            vec![zeros, take]
        }
        Kernel::Grid { words } => {
            let axes = plan.grids.iter().find(|grid| grid.result == step.result);
            let axes = axes.into_iter().flat_map(|grid| &grid.axes).map(|axis| {
                let Axis {
                    channel,
                    minimum,
                    extent,
                } = axis;
                format!("grid::Axis {{ channel: {channel}, minimum: {minimum}, extent: {extent} }}")
            });
            let axes: Vec<String> = axes.collect();
            vec![format!(
                "let {y} = grid::pick(&{}, &[{}], &w::{}.0);",
                v(words),
                axes.join(", "),
                names::cells(step.result)
            )]
        }
        Kernel::Dense {
            x,
            layout: Layout::ShiftAdds,
            ..
        } => {
            let sums = format!("adders::{}(&{})", variable(step.result), v(x));
            match stored.as_str() {
                "i32" => vec![format!("let {y} = {sums};")],
                _ => vec![zeros, format!("unary::copy(&{sums}, &mut {y});")],
            }
        }
        Kernel::DenseRescale {
            x,
            limits,
            requantise,
            layout: Layout::ShiftAdds,
            ..
        } => vec![
            zeros,
            "rescale::rescale::<i32, _, _>(".into(),
            format!("&adders::{}(&{}),", variable(step.result), v(x)),
            format!("{},", requantiser(id, requantise)),
            format!("({}, {}),", limits.0, limits.1),
            format!("&mut {y},"),
            ");".into(),
        ],
        Kernel::Dense {
            x,
            accumulator,
            layout,
            ..
        } => {
            let constants = constants(plan, step);
            let Some(Constants {
                weights,
                bias,
                stream,
                ..
            }) = constants
            else {
                return;
            };
            vec![
                zeros,
                match stream {
                    true => format!(
                        "{layout}::dense(&{}{suffix}[..], {weights}, &mut {name});",
                        variable(*x)
                    ),
                    false => format!(
                        "{layout}::dense{}(&{}, {weights}, &{bias}, &mut {y});",
                        layout.generics(*accumulator),
                        v(x),
                    ),
                },
            ]
        }
        Kernel::DenseRescale {
            x,
            accumulator,
            limits,
            layout,
            requantise: kernel_requantise,
            ..
        } => {
            let constants = constants(plan, step);
            let Some(Constants {
                weights,
                bias,
                requantise,
                stream,
            }) = constants
            else {
                return;
            };
            let call = format!("{layout}::dense_rescale{}(", layout.generics(*accumulator));
            let function = match kernel_requantise {
                Requantise::Scaled { .. } => "dense_scale",
                _ => "dense_rescale",
            };
            match stream {
                true => vec![
                    zeros,
                    format!(
                        "{layout}::{function}::<{}, {}>(&{}{suffix}[..], {weights}, &mut {name}[..]);",
                        limits.0,
                        limits.1,
                        variable(*x)
                    ),
                ],
                false => vec![
                    zeros,
                    call,
                    format!("&{},", v(x)),
                    format!("{weights},"),
                    format!("&{bias},"),
                    format!("{requantise},"),
                    format!("({}, {}),", limits.0, limits.1),
                    format!("&mut {y},"),
                    ");".into(),
                ],
            }
        }
        Kernel::Rescale {
            x,
            accumulator,
            requantise,
            limits,
        } if rows::is_scaled(plan, *x, *accumulator, requantise) => vec![
            zeros,
            format!("rescale::scaled::<{}, {}, _>(", limits.0, limits.1),
            format!("&{},", v(x)),
            format!("w::S{id}_MULTIPLIERS[0],"),
            format!("w::S{id}_OFFSETS[0],"),
            format!("w::S{id}_SHIFTS[0],"),
            format!("&mut {y},"),
            ");".into(),
        ],
        Kernel::Rescale {
            x,
            accumulator,
            requantise,
            limits,
        } => vec![
            zeros,
            format!("rescale::rescale::<{}, _, _>(", accumulator.name()),
            format!("&{},", v(x)),
            format!("{},", requantiser(id, requantise)),
            format!("({}, {}),", limits.0, limits.1),
            format!("&mut {y},"),
            ");".into(),
        ],
        Kernel::Relu { x } => vec![zeros, format!("unary::relu(&{}, &mut {y});", v(x))],
        Kernel::Clip {
            x,
            minimum,
            maximum,
            accumulator,
        } => vec![
            zeros,
            format!(
                "unary::clip::<{}, _, _>(&{}, {minimum}, {maximum}, &mut {y});",
                accumulator.name(),
                v(x)
            ),
        ],
        Kernel::LeakyRelu {
            x,
            multiplier,
            shift,
            accumulator,
        } => vec![
            zeros,
            format!(
                "unary::leaky_relu::<{}, _, _>(&{}, {multiplier}, {shift}, &mut {y});",
                accumulator.name(),
                v(x)
            ),
        ],
        Kernel::Table { x, table, first } => vec![
            zeros,
            format!(
                "unary::table(&{}, {first}, &{}, &mut {y});",
                v(x),
                constant(*table)
            ),
        ],
        Kernel::Pair {
            operator,
            a,
            b,
            accumulator,
        } => {
            let function = match operator {
                Pair::Mul => "unary::mul",
                Pair::Add => "unary::add",
                Pair::Sub => "unary::sub",
                Pair::Larger => "unary::larger",
                Pair::Smaller => "unary::smaller",
            };
            vec![
                zeros,
                format!(
                    "{function}::<{}, _, _, _>(&{}, &{}, &mut {y});",
                    accumulator.name(),
                    v(a),
                    v(b)
                ),
            ]
        }
        Kernel::Count => listed(vec![format!("sums.multiplicity{}", cast("i32"))]),
        Kernel::ArgMax { x, accumulator } => {
            let (accumulator, cast) = (accumulator.name(), cast("i32"));
            listed(vec![format!(
                "reduce::arg_max::<{accumulator}, _>(&{}){cast}",
                v(x)
            )])
        }
        Kernel::SquaredError { a, b, accumulator } => {
            let accumulator = accumulator.name();
            listed(vec![format!(
                "reduce::squared_error::<{accumulator}, _, _>(&{}, &{}){}",
                v(a),
                v(b),
                cast(accumulator)
            )])
        }
        Kernel::SumSquares { x, accumulator } => {
            let accumulator = accumulator.name();
            listed(vec![format!(
                "reduce::sum_squares::<{accumulator}, _>(&{}){}",
                v(x),
                cast(accumulator)
            )])
        }
        Kernel::Select { x, channels } => {
            let cast = cast(&storage(plan, *x));
            let picked = channels.iter().map(|c| format!("{}[{c}]{cast}", v(x)));
            listed(picked.collect())
        }
        Kernel::Concat { parts } => {
            let mut lines = vec![zeros];
            let mut start = 0;
            for part in parts {
                let operand = plan.program.value(*part);
                let end = start + operand.shape.channels();
                let range = format!("{name}[{start}..{end}]");
                let same = storage(plan, *part) == stored;
                let part = v(part);
                lines.push(match same {
                    true => format!("{range}.copy_from_slice(&{part});"),
                    false => format!("unary::copy(&{part}, &mut {range});"),
                });
                start = end;
            }
            lines
        }
        Kernel::DenseStepwise {
            x,
            weights,
            bias,
            shift,
            rounding,
            product,
            limits,
            accumulator,
        } => {
            let (product, accumulator) = (product.name(), accumulator.name());
            let function = match limits {
                Some(_) => "dense_saturated",
                None => "dense",
            };
            let mut lines = vec![
                zeros,
                format!("stepwise::{function}::<{product}, {accumulator}, _, _, _, _, _>("),
                format!("rounding::{},", rows::rounding(*rounding)),
                format!("&{},", v(x)),
                format!("&{},", constant(*weights)),
                format!("&{},", constant(*bias)),
                format!("{shift},"),
            ];
            lines.extend(limits.map(|(low, high)| format!("({low}, {high}),")));
            lines.extend([format!("&mut {y},"), ");".into()]);
            lines
        }
        Kernel::Divide {
            x,
            divisor,
            rounding,
        } => vec![
            zeros,
            format!(
                "divide::divide(&{}, const {{ divide::Divisor::new({divisor}) }}, divide::Rounding::{}, &mut {y});",
                v(x),
                rows::rounding(*rounding)
            ),
        ],
        Kernel::View { x } => vec![zeros, format!("unary::copy(&{}, &mut {y});", v(x))],
        Kernel::Gather { x, elements } => vec![
            zeros,
            match windows(elements) {
                Some(windows) => format!(
                    "gather::windows::<{}, _, _>(&{}, &w::S{id}_BASES, &w::S{id}_OFFSETS, &mut {y});",
                    windows.run,
                    v(x)
                ),
                None => format!("gather::gather(&{}, &w::S{id}_ELEMENTS, &mut {y});", v(x)),
            },
        ],
        Kernel::MatMul {
            a,
            b,
            extents: [rows, inner, columns],
            accumulator,
        } => vec![
            zeros,
            format!("matrix::product::<{}, _, _, _>(", accumulator.name()),
            format!("&{},", v(a)),
            format!("&{},", v(b)),
            format!("matrix::Extents {{ rows: {rows}, inner: {inner}, columns: {columns} }},"),
            format!("&mut {y},"),
            ");".into(),
        ],
        Kernel::Quotient {
            a,
            b,
            shift,
            bits,
            rounding,
            limits: (low, high),
            remainder,
        } => {
            let rounding = rows::rounding(*rounding);
            vec![
                zeros,
                format!("quotient::quotient::<{}, _, _, _>(", unsigned(*remainder)),
                format!("&{},", v(a)),
                format!("&{},", v(b)),
                format!(
                    "quotient::Form {{ shift: {shift}, bits: {bits}, rounding: divide::Rounding::{rounding}, limits: ({low}, {high}) }},"
                ),
                format!("&mut {y},"),
                ");".into(),
            ]
        }
        Kernel::SquareRoot {
            x,
            shift,
            bits,
            remainder,
        } => vec![
            zeros,
            format!(
                "root::square_root::<{}, _, _>(&{}, {shift}, {bits}, &mut {y});",
                unsigned(*remainder),
                v(x)
            ),
        ],
        Kernel::Largest { x, accumulator } => {
            let accumulator = accumulator.name();
            listed(vec![format!(
                "reduce::largest::<{accumulator}, _>(&{}){}",
                v(x),
                cast(accumulator)
            )])
        }
        Kernel::TopK {
            x,
            count,
            bits,
            accumulator,
        } => {
            let accumulator = accumulator.name();
            vec![
                zeros,
                format!("let mut held = [{accumulator}::MIN; {count}];"),
                format!(
                    "rank::top_k::<{accumulator}, _, _>(&{}, {bits}, &mut held, &mut {y});",
                    v(x)
                ),
            ]
        }
        Kernel::Take { x, indices } => vec![
            zeros,
            format!(
                "gather::take(&{}, &{}, {}, &mut {y});",
                v(x),
                v(indices),
                value.shape.channels()
            ),
        ],
        Kernel::Trees {
            trees,
            compare,
            accumulator,
        } => {
            let (compare, accumulator) = (compare.name(), accumulator.name());
            let targets = value.shape.channels();
            let function = match trees.aggregate {
                TreeAggregate::Sum => "sum",
                TreeAggregate::Min => "smallest",
                TreeAggregate::Max => "largest",
            };
            let mut lines = vec![
                "let forest = trees::Forest {".into(),
                format!("nodes: &w::{},", bare(trees.nodes)),
                format!("first: {},", trees.first),
                format!("trees: &w::{},", bare(trees.roots)),
                format!("leaves: &w::{},", bare(trees.leaves)),
                "};".into(),
                format!(
                    "let sums = trees::{function}::<{compare}, {accumulator}, {targets}, _, _, _, _>(&{}, forest);",
                    v(&trees.x)
                ),
            ];
            if stored == accumulator {
                lines.push(format!("let {y} = sums;"));
            } else {
                lines.extend([zeros, format!("unary::copy(&sums, &mut {y});")]);
            }
            lines
        }
        Kernel::SumRows { x, accumulator } => {
            let accumulator = accumulator.name();
            let channels = value.shape.elements(1);
            let mut lines = vec![
                format!("let mut total = [0{accumulator}; {channels}];"),
                format!("for row in {}.as_chunks::<{channels}>().0 {{", v(x)),
                "reduce::add(&mut total, row);".into(),
                "}".into(),
            ];
            if stored == accumulator {
                lines.push(format!("let {y} = total;"));
            } else {
                lines.extend([zeros, format!("unary::copy(&total, &mut {y});")]);
            }
            lines
        }
    };
    rows::each(code, plan, step, lines);
    code.line(format!("observer.values({id}, {row}, &{y});"));
}

/// The integer of a division's remainders.
fn unsigned(remainder: Accumulator) -> &'static str {
    match remainder {
        Accumulator::I32 => "u32",
        Accumulator::I64 => "u64",
    }
}

/// An array for a step's result.
fn zeros(plan: &Plan<'_>, id: ValueId, suffix: &str) -> String {
    let name = variable(id);
    let channels = plan.program.value(id).shape.channels();
    let zeros = match plan.storage[id.index()] {
        Storage::Narrowest => format!("[0{}; {channels}]", storage(plan, id)),
        Storage::Pairs => format!("Pairs::<{}>::ZERO", filled(channels)),
        Storage::Words => format!("[0i32; {}]", filled(channels)),
    };
    format!("let mut {name}{suffix} = {zeros};")
}

/// An array for what one call of a step's kernel computes: a row, or all rows at once.
fn zeros_of(plan: &Plan<'_>, step: &Step, suffix: &str) -> String {
    let id = step.result;
    let length = rows::length(plan, step);
    if length == plan.program.value(id).shape.channels() {
        return zeros(plan, id, suffix);
    }
    let (name, ty) = (variable(id), storage(plan, id));
    format!("let mut {name}{suffix} = [0{ty}; {length}];")
}

fn requantiser(id: usize, requantise: &Requantise) -> String {
    match requantise {
        Requantise::Imported {
            rounding, overflow, ..
        } => rows::imported(id, *rounding, *overflow, requantise.factors().is_some()),
        Requantise::Shift(_) => format!("rescale::Shift(&w::S{id}_SHIFTS)"),
        Requantise::Scaled {
            multiplier,
            offset,
            shift,
        } => format!(
            "rescale::Scaled {{ multiplier: {multiplier}, offset: {offset}, shift: {shift} }}"
        ),
        Requantise::Affine { .. } => format!(
            "rescale::Affine {{ multipliers: &w::S{id}_MULTIPLIERS, offsets: &w::S{id}_OFFSETS, shifts: &w::S{id}_SHIFTS }}"
        ),
    }
}
