//! Hand-written programs: two that show what is emitted, and the edges of what can be.
#![allow(dead_code)] // Each test takes what it needs.

pub mod autoencoders;
mod brought;
mod pairings;

#[allow(unused_imports)] // As above.
pub use brought::brought;
#[allow(unused_imports)] // As above.
pub use pairings::pairings;

/// A deep set with a header and two inputs per constituent: a weight, a table, a leaky slope.
pub const DEEP_SET: &str = r#"hodoscope-program 1
program tiny-set
set jet capacity 4
input particles set jet channels 3
  field pt unit "GeV" lsb 0.25 range 0 4095 saturate empty 0
  field eta unit "" lsb 0.01 range -128 127 saturate empty 0
  field phi unit "rad" lsb 0.0436 range -72 71 wrap empty 0
input charge set jet channels 1
  field q unit "e" lsb 1.0 range -1 1 saturate empty 0
input met channels 2
  field met unit "GeV" lsb 0.5 range 0 1023 saturate empty 0
  field phi unit "rad" lsb 0.0436 range -72 71 wrap empty 0
live jet particles[0] above 0
order jet particles[0]
constant phi.weights i8 [3, 4]
  12 -7 3 100
  0 25 -25 -1
  -128 1 2 3
constant phi.bias i32 [3]
  100 -200 4000
constant tanh i8 [64]
  -127 -126 -126 -125 -125 -124 -123 -122 -121 -119 -117 -115 -113 -110 -107 -103
  -99 -95 -90 -85 -79 -73 -66 -59 -52 -44 -36 -27 -18 -9 0 5
  0 9 18 27 36 44 52 59 66 73 79 85 90 95 99 103
  107 110 113 115 117 119 121 122 123 124 125 125 126 126 127 127
constant head.weights i8 [2, 8]
  1 -2 3 -4 5 -6 7 -8
  127 -128 64 -64 32 -32 16 -16
constant head.bias i32 [2]
  -300 300
value particles [jet, 3] i13 fracs 2 7 5 = input particles
value charge [jet, 1] i2 frac 0 = input charge
value met [2] i11 fracs 1 5 = input met
value words [jet, 3] i8 frac 7 = rescale particles by 1 19661 21845 plus 0 0 -4096 shift 5 14 14 rnd sat
value features [jet, 4] i8 frac 7 = concat [words, charge]
value phi [jet, 3] i32 frac 12 = dense features weights phi.weights bias phi.bias
value phi.q [jet, 3] i8 frac 5 = rescale phi by 1 plus 0 shift 7 rnd sat
value phi.leaky [jet, 3] i8 frac 5 = leaky_relu phi.q by 3277 shift 15 rnd
value pt [jet, 1] i13 frac 2 = select particles channels 0
value weighted [jet, 3] i32 frac 7 = mul phi.leaky pt
value index [jet, 3] i6 frac 3 = rescale phi.leaky by 1 plus 0 shift 2 rnd sat
value tanh [jet, 3] i8 frac 7 = table index entries tanh
value flow [3] i32 frac 7 = sum weighted
value count [3] i16 frac 7 = sum tanh
value flow.q [3] i8 frac 0 = rescale flow by 1 plus 0 shift 9 rnd sat
value count.q [3] i8 frac 5 = rescale count by 1 plus 0 shift 2 rnd sat
value met.q [2] i8 frac 5 = rescale met by 8192 21845 plus 0 0 shift 16 14 rnd sat
value event [8] i8 frac 5 = concat [flow.q, count.q, met.q]
value head [2] i32 frac 10 = dense event weights head.weights bias head.bias
value head.q [2] i16 frac 8 = rescale head by 1 plus 0 shift 2 rnd sat
value head.relu [2] u15 frac 8 = relu head.q
output score = head.relu
"#;

/// A dense autoencoder whose score is its squared error.
pub const AUTOENCODER: &str = r#"hodoscope-program 1
program tiny-ae
input x channels 4
  field pt unit "GeV" lsb 0.25 range 0 1023 saturate empty 0
  field eta unit "" lsb 0.01 range -128 127 saturate empty 0
constant encoder.weights i8 [2, 4]
  30 -20 10 5
  -3 7 -50 60
constant encoder.bias i32 [2]
  40 -60
constant decoder.weights i4 [4, 2]
  7 -8
  3 2
  -1 -5
  0 4
constant decoder.bias i32 [4]
  0 16 -16 255
value x [4] i11 fracs 2 7 2 7 = input x
value x.q [4] i8 frac 5 = rescale x by 3 5 3 5 plus 0 0 7 -7 shift 5 2 5 2 rnd sat
value encoder [2] i32 frac 11 = dense x.q weights encoder.weights bias encoder.bias
value encoder.q [2] i8 frac 5 = rescale encoder by 1 plus 0 shift 6 rnd sat
value latent [2] u7 frac 5 = relu encoder.q
value decoder [4] i32 frac 7 = dense latent weights decoder.weights bias decoder.bias
value decoder.q [4] i16 frac 5 = rescale decoder by 1 plus 0 shift 2 rnd sat
value error [1] i32 frac 10 = squared_error x.q decoder.q
output score = error
output latent = latent
"#;

/// No header, a set that is always full, and nothing that orders it.
const NO_HEADER: &str = r#"hodoscope-program 1
program no-header
set s capacity 3
input x set s channels 1 field x unit "" lsb 1.0 range -100 100 saturate empty 0
live s always
value x [s, 1] i8 frac 0 = input x
value sum [1] i32 frac 0 = sum x
output y = sum
"#;

/// Names that are no identifiers, and ones that Rust keeps for itself.
const ODD_NAMES: &str = r#"hodoscope-program 1
program match
set s capacity 2
input "StatefulPartitionedCall:0" set s channels 2 field x unit "" lsb 1.0 range 0 9 saturate empty 0
input "type" set s channels 1 field x unit "\ {} */" lsb 1.0 range 0 9 saturate empty 9
input "jet/é \ `x`" channels 1 field x unit "%{0}" lsb 1.0 range 0 70000 saturate empty 0
live s "StatefulPartitionedCall:0"[1] not 3
order s type[0]
value Stateful.words [s, 2] u4 frac 0 = input "StatefulPartitionedCall:0"
value self [s, 1] u4 frac 0 = input type
value fn [1] u17 frac 0 = input "jet/é \ `x`"
value all [s, 3] u4 frac 0 = concat [Stateful.words, self]
value sum [3] u8 frac 0 = sum all
output "StatefulPartitionedCall:0" = sum
output "StatefulPartitionedCall:1" = fn
output raws = sum
output self = sum
output "1" = sum
output stateful_partitioned_call_0 = sum
"#;

/// A name that an emitted crate uses itself.
const RESERVED: &str = r#"hodoscope-program 1
program ok
input x channels 1 field x unit "" lsb 1.0 range 0 1 wrap empty 0
value x [1] u1 frac 0 = input x
output clone = x
"#;

/// Several outputs, of several scales, none of them a fixed-point number.
const OUTPUTS: &str = r#"hodoscope-program 1
program hardest
input x channels 3 field x unit "" lsb 0.1 range -1000 1000 saturate empty 0
value x [3] i11 lsb 0.1 = input x
value fine [3] i16 fracs 3 4 40 = rescale x by 1 2 -3 plus 1 shift 0 1 2 rnd sat
value coarse [1] i64 frac -3 = sum_squares x
output fine = fine
output x = x
output again = fine
output coarse = coarse
"#;

/// Accumulators of 64 bits, constants that are stored wider than they need to be.
const WIDE: &str = r#"hodoscope-program 1
program wide
set s capacity 2
input x set s channels 2 field x unit "" lsb 1.0 range -2147483648 2147483647 saturate empty 0
live s x[0] above -9223372036854775808
order s x[1]
constant w i32 [2, 2]
  1000000 -1000000
  1000000000 -1000000000
constant b i64 [2]
  1 -1
constant unused i8 [1] 3
constant small.w i8 [1, 2] 3 -3
constant small.b i64 [1] 5
value x [s, 2] i32 frac 0 = input x
value dense [s, 2] i64 frac 0 = dense x weights w bias b
value dense.q [s, 2] i16 frac 0 = rescale dense by 1 plus 0 shift 47 rnd sat
value relu [s, 2] u15 frac 0 = relu dense.q
value small [s, 1] i32 frac 0 = dense dense.q weights small.w bias small.b
value sum [2] i64 frac 0 = sum dense
value small.sum [1] i20 frac 0 = sum small
value relu.sum [2] u16 frac 0 = sum relu
value far [2] i48 frac 0 = rescale relu.sum by 3 -3 plus 1048576 shift 0 rnd sat
value sum.q [2] i33 frac 0 = rescale sum by 1 plus 0 shift 32 rnd sat
value leaky [2] i33 frac 0 = leaky_relu sum.q by 12345 shift 31 rnd
value narrow [2] u8 frac 0 = clip leaky range 0 255
output sum = sum
output small = small.sum
output far = far
output leaky = leaky
output narrow = narrow
"#;

/// Results in other widths than their operands.
const WIDTHS: &str = r#"hodoscope-program 1
program widths
set s capacity 8
input x set s channels 2 field x unit "" lsb 1.0 range -20 20 saturate empty 0
input h channels 2 field h unit "" lsb 1.0 range -300 300 saturate empty 0
live s x[1] above 19
constant w i16 [2, 2] 1 2 -3 4
constant b i8 [2] 1 -1
constant t i32 [64]
  0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15
  0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15
  0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15
  0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15
value x [s, 2] i6 frac 0 = input x
value h [2] i10 frac 0 = input h
value dense [s, 2] i12 frac 0 = dense x weights w bias b
value sum [2] i13 frac 0 = sum dense
value x.table [s, 2] u4 frac 0 = table x entries t
value x.sum [2] u7 frac 0 = sum x.table
value h.q [2] i5 frac 0 = rescale h by 1 plus 0 shift 4 rnd sat
value h.relu [2] i16 frac 0 = relu h.q
value h.clip [2] i9 frac 0 = clip h.q range 200 201
value h.leaky [2] i40 frac 0 = leaky_relu h.q by 0 shift 62 rnd
value h.pick [3] i33 frac 0 = select h.q channels 1 1 0
value h.all [6] i24 frac 0 = concat [h.relu, h.clip, x.sum]
value h.error [1] u13 frac 0 = squared_error h.q h.relu
value h.squares [1] i16 frac 0 = sum_squares h.q
value h.mul [2] i10 frac 0 = mul h.q h.leaky
value h.add [2] i7 frac 0 = add h.q h.leaky
value h.sub [2] i64 frac 0 = sub h.q h.leaky
output relu = h.relu
output clip = h.clip
output leaky = h.leaky
output pick = h.pick
output all = h.all
output error = h.error
output squares = h.squares
output mul = h.mul
output add = h.add
output sub = h.sub
output sum = sum
"#;

/// A set without a mask: padding that counts, a maximum with empty slots, a mean by multiplicity, a class.
pub const POOLS: &str = r#"hodoscope-program 1
program pools
set jet capacity 3
input x set jet channels 2
  field pt unit "GeV" lsb 0.25 range 0 255 saturate empty 0
  field eta unit "" lsb 0.01 range -128 127 saturate empty -1
live jet not_empty x
order jet x[0]
constant weights i8 [3, 2]
  1 -2
  -3 4
  5 6
constant bias i16 [3]
  7 -8 9
constant empty i8 [3]
  9 -12 3
constant padding i8 [3, 1]
  -9 12 -3
constant all i16 [3]
  27 -36 9
constant reciprocals i16 [4]
  16384 16384 8192 5461
value x [jet, 2] i9 frac 0 = input x
value phi [jet, 3] i16 frac 0 = dense x weights weights bias bias
value sum.live [3] i18 frac 0 = sum phi
value n [1] u2 frac 0 = count jet
value sum.empty [3] i16 frac 0 = dense n weights padding bias all
value sum [3] i19 frac 0 = add sum.live sum.empty
value largest [3] i16 frac 0 = max phi empty empty
value reciprocal [1] i16 frac 14 = table n entries reciprocals
value mean [3] i33 frac 14 = mul sum.live reciprocal
value class [1] u2 frac 0 = arg_max largest
output sum = sum
output largest = largest
output mean = mean
output class = class
output n = n
"#;

/// Attention and neighbours: products of activations, a quotient per row, a root, order, and rows that are computed.
const NEIGHBOURS: &str = r#"hodoscope-program 1
program neighbours
input x channels 12
  field x unit "" lsb 1.0 range -50 50 saturate empty 0
constant ones i8 [1, 4] 1 1 1 1
constant none i8 [1] 0
value words [12] i7 frac 0 = input x
value rows [4, 3] i7 frac 0 = reshape words
value logits [4, 4] i16 frac 0 = mat_mul rows rows
value largest [4, 1] i16 frac 0 = largest logits
value all [4, 4] i16 frac 0 = select largest channels 0 0 0 0
value weights [4, 4] i17 frac 0 = sub all logits
value sum [4, 1] i32 frac 0 = dense weights weights ones bias none
value parts [4, 4] u15 frac 15 = quotient weights sum shift 15 rnd_conv
value wide [4, 4] i32 frac 15 = quotient logits logits shift 30 trn_zero
value order [4, 2] u2 frac 0 = top_k logits count 2
value near [8, 3] i7 frac 0 = take rows rows order
value pairs [2, 4, 3] i7 frac 0 = reshape near
value products [2, 4, 4] i40 frac 0 = mat_mul pairs pairs
value far [2, 4, 1] i40 frac 0 = largest products
value root [4, 4] u16 frac 0 = square_root logits shift 16
value fine [2, 4, 4] u32 frac 0 = square_root products shift 40
value more [4, 4] i17 frac 0 = larger logits weights
value less [4, 4] i17 frac 0 = smaller logits weights
value parts.row [16] u15 frac 15 = reshape parts
value wide.row [16] i32 frac 15 = reshape wide
value order.row [8] u2 frac 0 = reshape order
value near.row [24] i7 frac 0 = reshape near
value far.row [8] i40 frac 0 = reshape far
value root.row [16] u16 frac 0 = reshape root
value fine.row [32] u32 frac 0 = reshape fine
value more.row [16] i17 frac 0 = reshape more
value less.row [16] i17 frac 0 = reshape less
output parts = parts.row
output wide = wide.row
output order = order.row
output near = near.row
output far = far.row
output root = root.row
output fine = fine.row
output more = more.row
output less = less.row
"#;

/// Straight lines between entries of several widths, and the digits of a logarithm, of a set's rows and of an event.
const FUNCTIONS: &str = r#"hodoscope-program 1
program functions
set constituents capacity 3
input x set constituents channels 2
  field x unit "" lsb 1.0 range -70000 70000 saturate empty 0
input wide channels 3
  field w unit "" lsb 1.0 range -2147483648 2147483647 saturate empty 0
live constituents x[0] not 0
constant bytes i8 [9] -128 -90 -17 0 3 44 90 120 127
constant lines i32 [5] -2147483648 2147483647 0 -5 2000000000
constant log i32 [5] 0 3749 6931 9555 11000
value words [constituents, 2] i18 frac 0 = input x
value near [constituents, 2] i8 frac 0 = interpolate words entries bytes first -70000 shift 15
value far [constituents, 2] i32 frac 0 = interpolate words entries lines first -131072 shift 16
value digits [constituents, 2] u5 frac 0 = exponent words
value first [constituents, 2] u12 frac 0 = mantissa words bits 12
value sums [2] i32 frac 0 = sum near
value fars [2] i40 frac 0 = sum far
value counts [2] u8 frac 0 = sum digits
value firsts [2] u16 frac 0 = sum first
value w [3] i32 frac 0 = input wide
value positive [3] u31 frac 0 = clip w range 1 2147483647
value e [3] u5 frac 0 = exponent positive
value m [3] u24 frac 0 = mantissa positive bits 24
value l [3] i32 frac 14 = interpolate m entries log first 8388608 shift 21
value all [3] u31 frac 0 = mantissa w bits 31
output sums = sums
output fars = fars
output counts = counts
output firsts = firsts
output e = e
output l = l
output all = all
"#;

/// A network that is quantised already: bytes from a zero point, one multiplier for all sums of a layer. The operand of
/// the last layer has more bits than the layouts of a core with DSP instructions take.
fn bytes() -> String {
    let matrix = |rows: usize, columns: usize, seed: usize| -> String {
        let weight = |i: usize| ((i * 73 + seed) % 255) as i64 - 127;
        let row = |r: usize| (0..columns).map(move |c| format!(" {}", weight(r * columns + c)));
        let lines = (0..rows).map(|r| row(r).collect::<String>() + "\n");
        lines.collect()
    };
    let (first, second) = (matrix(12, 24, 5), matrix(6, 12, 91));
    let (third, fourth) = (matrix(4, 12, 17), matrix(5, 4, 40));
    format!(
        r#"hodoscope-program 1
program bytes
input x channels 24
  field value unit "" lsb 0.25 range -128 127 saturate empty 89 rounding rnd_conv zero 89
constant first.weights i8 [12, 24]
{first}constant first.bias i16 [12]
 100 -200 300 -400 500 -600 700 -800 900 -1000 1100 -1200
constant second.weights i8 [6, 12]
{second}constant second.bias i16 [6]
 -30 20 -10 0 10 -20
constant third.weights i8 [4, 12]
{third}constant third.bias i16 [4]
 0 1 -1 99
constant fourth.weights i8 [5, 4]
{fourth}constant fourth.bias i16 [5]
 0 1 -1 99 -99
value x [24] i8 lsb 0.25 = input x
value first [12] i32 lsb 0.01 = dense x weights first.weights bias first.bias
value first.q [12] i8 lsb 0.5 = rescale first by 819000860 plus -35046933135360 shift 38 trn sat
value second [6] i32 lsb 0.02 = dense first.q weights second.weights bias second.bias
value second.q [6] i8 lsb 0.5 = rescale second by 721329933 plus -4380866641920 shift 37 trn sat
value third [4] i32 lsb 0.02 = dense first.q weights third.weights bias third.bias
value third.q [4] i20 lsb 0.01 = rescale third by 7 plus 0 shift 1 rnd sat
value fourth [5] i32 lsb 0.02 = dense third.q weights fourth.weights bias fourth.bias
value fourth.q [5] i14 lsb 1.0 = rescale fourth by 592510167 plus 0 shift 43 rnd sat
output y = second.q
output z = fourth.q
"#
    )
}

/// Layers of several rows and of views, as convolutions are: elements of 8, 16 and 32 bits, whole fours or not, rescaled
/// or not.
pub fn rows() -> String {
    let matrix = |rows: usize, columns: usize, seed: usize| -> String {
        let weight = |i: usize| ((i * 57 + seed) % 251) as i64 - 125;
        let row = |r: usize| (0..columns).map(move |c| format!(" {}", weight(r * columns + c)));
        let lines = (0..rows).map(|r| row(r).collect::<String>() + "\n");
        lines.collect()
    };
    let bias = |rows: usize| {
        (0..rows)
            .map(|r| format!(" {}", 37 * r as i64 - 99))
            .collect::<String>()
    };
    let (first, second, third) = (matrix(16, 12, 3), matrix(10, 16, 77), matrix(16, 10, 121));
    let (fourth, last) = (matrix(18, 10, 8), matrix(12, 50, 200));
    let [ten, twelve, sixteen, eighteen] = [10, 12, 16, 18].map(bias);
    format!(
        r#"hodoscope-program 1
program rows
input x channels 60
  field value unit "" lsb 1.0 range -128 127 saturate empty 0
constant first.weights i8 [16, 12]
{first}constant second.weights i8 [10, 16]
{second}constant third.weights i8 [16, 10]
{third}constant fourth.weights i8 [18, 10]
{fourth}constant last.weights i8 [12, 50]
{last}constant ten i16 [10]{ten}
constant twelve i16 [12]{twelve}
constant sixteen i16 [16]{sixteen}
constant eighteen i16 [18]{eighteen}
value words [60] i8 frac 0 = input x
value x [5, 12] i8 frac 0 = reshape words
value first [5, 16] i32 frac 0 = dense x weights first.weights bias sixteen
value first.q [5, 16] i12 frac 0 = rescale first by 1 plus 0 shift 4 rnd sat
value second [5, 10] i32 frac 0 = dense first.q weights second.weights bias ten
value second.q [5, 10] i8 frac 0 = rescale second by 1 plus 0 shift 12 rnd sat
value third [5, 16] i32 frac 0 = dense second.q weights third.weights bias sixteen
value third.most [5, 1] i32 frac 0 = largest third
value fourth [5, 18] i32 frac 0 = dense second.q weights fourth.weights bias eighteen
value fourth.most [5, 1] i32 frac 0 = largest fourth
value flat [50] i8 frac 0 = reshape second.q
value last [12] i32 frac 0 = dense flat weights last.weights bias twelve
value third.row [5] i32 frac 0 = reshape third.most
value fourth.row [5] i32 frac 0 = reshape fourth.most
output third = third.row
output fourth = fourth.row
output last = last
"#
    )
}

/// Trees of two depths over a constituent and over the event, with a leaf that is reached early, and all that is made of leaves.
pub const TREES: &str = r#"hodoscope-program 1
program trees
set jet capacity 3
input x set jet channels 2
  field pt unit "GeV" lsb 0.25 range 0 255 saturate empty 0
  field eta unit "" lsb 0.01 range -128 127 saturate empty 0
input y channels 2
  field wide unit "" lsb 1.0 range -2147483648 2147483647 saturate empty 0
live jet x[0] above 0
constant nodes i16 [3, 4]
  0 0 2 2
  1 -2 0 1
  0 100 3 2
constant roots i8 [2, 2]
  4 2
  3 1
constant leaves i16 [3, 2]
  10 -1000
  20 300
  -7 30000
constant wide_nodes i32 [2, 4]
  0 -2147483648 0 1
  1 2147483646 1 0
constant wide_roots i8 [3, 2]
  2 1
  3 1
  1 0
constant wide_leaves i32 [2, 1]
  -2000000000
  2000000000
value x [jet, 2] i9 frac 0 = input x
value y [2] i32 frac 0 = input y
value each [jet, 2] i18 frac 0 = trees x nodes nodes first 2 roots roots leaves leaves sum
value sum [2] i20 frac 0 = sum each
value deep [2] i16 frac 0 = trees sum nodes nodes first 2 roots roots leaves leaves min
value total [1] i34 frac 0 = trees y nodes wide_nodes first 2 roots wide_roots leaves wide_leaves sum
value most [1] i32 frac 0 = trees y nodes wide_nodes first 2 roots wide_roots leaves wide_leaves max
output sum = sum
output deep = deep
output total = total
output most = most
"#;

/// A score that passes a table, a rescale and a clip, all monotone, beside a reconstruction that no decision needs.
pub const FOLDED: &str = r#"hodoscope-program 1
program folded
input x channels 2
  field x unit "" lsb 1.0 range -60 60 saturate empty 0
constant head i8 [1, 2]
  3 -2
constant head.bias i8 [1] 5
constant curve i8 [32]
  1 1 1 1 2 2 3 4 5 7 9 12 16 20 26 33
  40 47 54 60 64 68 71 73 75 76 77 78 78 79 79 79
constant back i8 [2, 2]
  1 2
  3 -4
constant back.bias i8 [2] 0 1
value words [2] i7 frac 0 = input x
value logit [1] i16 frac 0 = dense words weights head bias head.bias
value index [1] i5 frac -4 = rescale logit by 1 plus 0 shift 4 rnd sat
value curve [1] i8 frac 6 = table index entries curve
value coarse [1] i8 frac 5 = rescale curve by 3 plus -7 shift 2 rnd_conv sat
value score [1] i8 frac 5 = clip coarse range 0 50
value back [2] i16 frac 0 = dense words weights back bias back.bias
output score = score
output back = back
"#;

/// A score of a set that passes a table, beside another sum that no decision needs.
pub const FOLDED_SET: &str = r#"hodoscope-program 1
program folded-set
set jet capacity 3
input x set jet channels 2
  field pt unit "" lsb 1.0 range 0 60 saturate empty 0
  field eta unit "" lsb 1.0 range -8 7 saturate empty 0
input met channels 1
  field met unit "" lsb 1.0 range 0 100 saturate empty 0
live jet x[0] above 0
order jet x[0]
constant head i8 [1, 2]
  1 -3
constant head.bias i8 [1] 60
constant curve i16 [16]
  -10 0 100 300 500 600 700 800 900 950 1000 1000 1001 1300 1300 1300
value x [jet, 2] i7 frac 0 = input x
value met [1] u7 frac 0 = input met
value eta [jet, 1] i7 frac 0 = select x channels 1
value sum [1] i16 frac 0 = sum eta
value other [2] i16 frac 0 = sum x
value event [2] i16 frac 0 = concat [sum, met]
value logit [1] i16 frac 0 = dense event weights head bias head.bias
value index [1] i4 frac -3 = rescale logit by 1 plus 0 shift 3 rnd sat
value score [1] i16 frac 0 = table index entries curve
output "a score" = score
output other = other
"#;

/// Each program with a name for messages.
pub fn all() -> Vec<(&'static str, String)> {
    let [brought, brought_set] = brought();
    vec![
        brought,
        brought_set,
        ("deep set", DEEP_SET.into()),
        ("autoencoder", AUTOENCODER.into()),
        ("no header", NO_HEADER.into()),
        ("odd names", ODD_NAMES.into()),
        ("reserved name", RESERVED.into()),
        ("outputs", OUTPUTS.into()),
        ("wide", WIDE.into()),
        ("widths", WIDTHS.into()),
        ("pools", POOLS.into()),
        ("neighbours", NEIGHBOURS.into()),
        ("functions", FUNCTIONS.into()),
        ("bytes", bytes()),
        ("rows", rows()),
        ("trees", TREES.into()),
        ("folded", FOLDED.into()),
        ("folded set", FOLDED_SET.into()),
        (
            "not folded",
            FOLDED
                .replace("program folded", "program not-folded")
                .replace("40 47 54", "47 40 54"),
        ),
        (
            "never live",
            WIDTHS
                .replace("program widths", "program never-live")
                .replace("above 19", "above 20"),
        ),
        (
            "crowd",
            NO_HEADER
                .replace("no-header", "crowd")
                .replace("capacity 3", "capacity 65535"),
        ),
    ]
}
