//! Builds circuits: equal wires once, constants folded, an interval for every wire.

use std::collections::HashMap;

use hodoscope_program::Interval;

use crate::circuit::{Op, Table, Wire, WireId};

/// Wires, as they are made.
#[derive(Debug, Default)]
pub(crate) struct Builder {
    pub wires: Vec<Wire>,
    pub tables: Vec<Table>,
    known: HashMap<(Op, bool), WireId>,
    known_tables: HashMap<Table, usize>,
    /// For each wire the adders that stand one behind the other before it.
    depths: Vec<u32>,
    /// The module that new wires belong to.
    pub module: usize,
    /// The widest wire that was asked for.
    pub widest: u32,
}

impl Builder {
    pub fn range(&self, id: WireId) -> Interval {
        self.wires[id.index()].range
    }

    pub fn depth(&self, id: WireId) -> u32 {
        self.depths[id.index()]
    }

    /// The wire of `op`: one that is known, or a new one.
    fn wire(&mut self, op: Op, range: Interval) -> WireId {
        self.wire_of(op, range, false)
    }

    /// A word at a port.
    pub fn word(&mut self, input: usize, channel: usize, range: Interval, local: bool) -> WireId {
        self.wire_of(Op::Word { input, channel }, range, local)
    }

    fn wire_of(&mut self, op: Op, range: Interval, is_source: bool) -> WireId {
        if range.minimum == range.maximum && !matches!(op, Op::Constant(_)) {
            return self.constant(range.minimum);
        }
        let operands = op.operands();
        let is_local = match op.collects() {
            true => false,
            false => is_source || operands.iter().any(|o| self.wires[o.index()].is_local),
        };
        let key = (op, is_local);
        if let Some(id) = self.known.get(&key) {
            return *id;
        }
        let op = key.0.clone();
        let deepest = operands.iter().map(|o| self.depth(*o)).max().unwrap_or(0);
        // What costs no logic, or next to none, has no depth.
        let free = matches!(
            op,
            Op::Word { .. }
                | Op::Constant(_)
                | Op::Left { .. }
                | Op::Right { .. }
                | Op::Wrap { .. }
                | Op::Join { .. }
                | Op::Not { .. }
                | Op::And { .. }
                | Op::Or { .. }
        );
        let wire = Wire {
            op,
            range,
            is_local,
            module: self.module,
            label: None,
        };
        self.widest = self.widest.max(wire.width());
        let id = WireId::new(self.wires.len());
        self.wires.push(wire);
        self.depths.push(deepest + u32::from(!free));
        self.known.insert(key, id);
        id
    }

    /// What is known of a wire besides how it is computed.
    pub fn narrow(&mut self, id: WireId, to: Interval) -> WireId {
        let range = &mut self.wires[id.index()].range;
        range.minimum = range.minimum.max(to.minimum);
        range.maximum = range.maximum.min(to.maximum);
        match range.minimum == range.maximum {
            true => self.constant(to.minimum.max(self.range(id).minimum)),
            false => id,
        }
    }

    pub fn constant(&mut self, value: i128) -> WireId {
        self.wire(Op::Constant(value), Interval::point(value))
    }

    pub fn value_of(&self, id: WireId) -> Option<i128> {
        match self.wires[id.index()].op {
            Op::Constant(value) => Some(value),
            _ => None,
        }
    }

    /// a · 2^a_shift ± b · 2^b_shift.
    pub fn combine(&mut self, a: (WireId, u8), b: (WireId, u8), minus: bool) -> WireId {
        match (self.value_of(a.0), self.value_of(b.0)) {
            (Some(x), Some(y)) => {
                let (x, y) = (x << a.1, y << b.1);
                return self.constant(if minus { x - y } else { x + y });
            }
            (_, Some(0)) => return self.left(a.0, a.1),
            (Some(0), _) if !minus => return self.left(b.0, b.1),
            // The constant behind, its shift taken out.
            (Some(x), _) if !minus => return self.plus_constant(b, x << a.1),
            (None, Some(y)) => {
                let y = y << b.1;
                return self.plus_constant(a, if minus { -y } else { y });
            }
            _ => {}
        }
        self.adder(a, b, minus)
    }

    fn adder(&mut self, a: (WireId, u8), b: (WireId, u8), minus: bool) -> WireId {
        // Shifts of operands are the adder's own.
        let unshifted = |this: &Self, (x, left): (WireId, u8)| match this.wires[x.index()].op {
            Op::Left { x, shift } => (x, left + shift),
            _ => (x, left),
        };
        let (a, b) = (unshifted(self, a), unshifted(self, b));
        // Zeros that both end in are no part of the adder.
        let common = a.1.min(b.1);
        if common > 0 {
            let sum = self.adder((a.0, a.1 - common), (b.0, b.1 - common), minus);
            return self.left(sum, common);
        }
        // A sum in one order only.
        let (a, b) = match !minus && b < a {
            true => (b, a),
            false => (a, b),
        };
        let (x, y) = (self.range(a.0), self.range(b.0));
        let scaled = |r: Interval, s: u8| (r.minimum << s, r.maximum << s);
        let ((al, ah), (bl, bh)) = (scaled(x, a.1), scaled(y, b.1));
        let range = match minus {
            false => Interval::between(al + bl, ah + bh),
            true => Interval::between(al - bh, ah - bl),
        };
        let op = Op::Add {
            a: a.0,
            a_shift: a.1,
            b: b.0,
            b_shift: b.1,
            minus,
        };
        self.wire(op, range)
    }

    /// x · 2^shift + constant, where constants that were added before are one with it.
    fn plus_constant(&mut self, x: (WireId, u8), constant: i128) -> WireId {
        if constant == 0 {
            return self.left(x.0, x.1);
        }
        let (bare, before) = self.bare(x.0);
        let total = constant + (before << x.1);
        if before != 0 {
            return self.plus_constant((bare.0, bare.1 + x.1), total);
        }
        if let Op::Add {
            a,
            a_shift,
            b,
            b_shift,
            minus: true,
        } = self.wires[x.0.index()].op
            && x.1 == 0
            && let Some(minuend) = self.value_of(a)
        {
            // (c − b) + constant.
            let c = self.constant((minuend << a_shift) + constant);
            return self.adder((c, 0), (b, b_shift), true);
        }
        let c = self.constant(constant);
        self.adder((x.0, x.1), (c, 0), false)
    }

    /// A wire as another one, shifted, and a constant that is added to it.
    pub fn bare(&self, id: WireId) -> ((WireId, u8), i128) {
        match self.wires[id.index()].op {
            Op::Add {
                a,
                a_shift,
                b,
                b_shift,
                minus: false,
            } => match (self.value_of(a), self.value_of(b)) {
                (Some(c), _) => ((b, b_shift), c << a_shift),
                (_, Some(c)) => ((a, a_shift), c << b_shift),
                _ => ((id, 0), 0),
            },
            Op::Left { x, shift } => {
                let ((bare, left), c) = self.bare(x);
                ((bare, left + shift), c << shift)
            }
            _ => ((id, 0), 0),
        }
    }

    pub fn add(&mut self, a: WireId, b: WireId) -> WireId {
        self.combine((a, 0), (b, 0), false)
    }

    pub fn sub(&mut self, a: WireId, b: WireId) -> WireId {
        if a == b {
            return self.constant(0);
        }
        self.combine((a, 0), (b, 0), true)
    }

    pub fn add_constant(&mut self, x: WireId, constant: i128) -> WireId {
        let c = self.constant(constant);
        self.add(x, c)
    }

    /// Σ terms, the shallowest first: a tree.
    pub fn total(&mut self, terms: &[WireId]) -> WireId {
        let mut terms: Vec<(u32, usize, WireId)> = terms
            .iter()
            .enumerate()
            .map(|(order, id)| (self.depth(*id), order, *id))
            .collect();
        let mut order = terms.len();
        terms.sort_unstable();
        let mut terms: std::collections::BTreeSet<_> = terms.into_iter().collect();
        while terms.len() > 1 {
            let (Some(a), Some(b)) = (terms.pop_first(), terms.pop_first()) else {
                break;
            };
            let sum = self.add(a.2, b.2);
            terms.insert((self.depth(sum), order, sum));
            order += 1;
        }
        match terms.pop_first() {
            Some((_, _, sum)) => sum,
            None => self.constant(0),
        }
    }

    pub fn left(&mut self, x: WireId, shift: u8) -> WireId {
        if shift == 0 {
            return x;
        }
        if let Some(value) = self.value_of(x) {
            return self.constant(value << shift);
        }
        if let Op::Left { x, shift: before } = self.wires[x.index()].op {
            return self.left(x, before + shift);
        }
        let range = self.range(x);
        let range = Interval::between(range.minimum << shift, range.maximum << shift);
        self.wire(Op::Left { x, shift }, range)
    }

    pub fn right(&mut self, x: WireId, shift: u8) -> WireId {
        if shift == 0 {
            return x;
        }
        if let Some(value) = self.value_of(x) {
            return self.constant(value >> shift.min(126));
        }
        match self.wires[x.index()].op {
            Op::Left { x, shift: before } if before >= shift => {
                return self.left(x, before - shift);
            }
            Op::Left { x, shift: before } => return self.right(x, shift - before),
            Op::Right { x, shift: before } => return self.right(x, shift + before),
            _ => {}
        }
        let range = self.range(x);
        let shift = shift.min(126);
        let range = Interval::between(range.minimum >> shift, range.maximum >> shift);
        self.wire(Op::Right { x, shift }, range)
    }

    /// The low bits of x.
    pub fn wrap(&mut self, x: WireId, bits: u8, signed: bool) -> WireId {
        let range = match signed {
            true => Interval::between(-(1 << (bits - 1)), (1 << (bits - 1)) - 1),
            false => Interval::between(0, (1 << bits) - 1),
        };
        let is = self.range(x);
        if is.minimum >= range.minimum && is.maximum <= range.maximum {
            return x;
        }
        if let Some(value) = self.value_of(x) {
            let low = value & ((1 << bits) - 1);
            let negative = signed && low >> (bits - 1) == 1;
            return self.constant(if negative { low - (1 << bits) } else { low });
        }
        let x = match self.wires[x.index()].op {
            Op::Wrap {
                x: inner,
                bits: before,
                ..
            } if before >= bits => inner,
            _ => x,
        };
        self.wire(Op::Wrap { x, bits, signed }, range)
    }

    pub fn join(&mut self, high: WireId, low: WireId, bits: u8) -> WireId {
        if self.value_of(low) == Some(0) {
            return self.left(high, bits);
        }
        if self.value_of(high) == Some(0) {
            return low;
        }
        let (h, l) = (self.range(high), self.range(low));
        let range = Interval::between(
            (h.minimum << bits) + l.minimum,
            (h.maximum << bits) + l.maximum,
        );
        self.wire(Op::Join { high, low, bits }, range)
    }

    pub fn clamp(&mut self, x: WireId, minimum: i128, maximum: i128) -> WireId {
        let is = self.range(x);
        if is.minimum >= minimum && is.maximum <= maximum {
            return x;
        }
        // One clamp instead of two.
        if let Op::Clamp {
            x,
            minimum: low,
            maximum: high,
        } = self.wires[x.index()].op
        {
            let (low, high) = (low.clamp(minimum, maximum), high.clamp(minimum, maximum));
            return self.clamp(x, low, high);
        }
        let range = Interval::between(
            is.minimum.clamp(minimum, maximum),
            is.maximum.clamp(minimum, maximum),
        );
        // Ends that cannot be left are the interval's own.
        let op = Op::Clamp {
            x,
            minimum: minimum.max(is.minimum.min(maximum)),
            maximum: maximum.min(is.maximum.max(minimum)),
        };
        self.wire(op, range)
    }

    pub fn multiply(&mut self, a: WireId, b: WireId) -> WireId {
        let (a, b) = (a.min(b), a.max(b));
        let (x, y) = (self.range(a), self.range(b));
        let ends = [
            x.minimum * y.minimum,
            x.minimum * y.maximum,
            x.maximum * y.minimum,
            x.maximum * y.maximum,
        ];
        let hull = ends.into_iter().map(Interval::point).reduce(Interval::hull);
        let mut range = hull.unwrap_or(x);
        if a == b {
            range.minimum = match x.minimum <= 0 && x.maximum >= 0 {
                true => 0,
                false => (x.minimum * x.minimum).min(x.maximum * x.maximum),
            };
        }
        for (c, x) in [(a, b), (b, a)] {
            match self.value_of(c) {
                Some(0) => return c,
                Some(1) => return x,
                _ => {}
            }
        }
        self.wire(Op::Multiply { a, b }, range)
    }

    pub fn less(&mut self, a: WireId, b: WireId) -> WireId {
        let (x, y) = (self.range(a), self.range(b));
        if x.maximum < y.minimum {
            return self.constant(1);
        }
        if x.minimum >= y.maximum {
            return self.constant(0);
        }
        self.wire(Op::Less { a, b }, Interval::between(0, 1))
    }

    pub fn less_than(&mut self, x: WireId, constant: i128) -> WireId {
        let c = self.constant(constant);
        self.less(x, c)
    }

    pub fn equal(&mut self, a: WireId, b: WireId) -> WireId {
        let (a, b) = (a.min(b), a.max(b));
        let (x, y) = (self.range(a), self.range(b));
        if a == b {
            return self.constant(1);
        }
        if x.maximum < y.minimum || y.maximum < x.minimum {
            return self.constant(0);
        }
        self.wire(Op::Equal { a, b }, Interval::between(0, 1))
    }

    pub fn equals(&mut self, x: WireId, constant: i128) -> WireId {
        let c = self.constant(constant);
        self.equal(x, c)
    }

    pub fn not(&mut self, x: WireId) -> WireId {
        match (self.value_of(x), &self.wires[x.index()].op) {
            (Some(value), _) => self.constant(1 - value),
            (None, Op::Not { x }) => *x,
            _ => self.wire(Op::Not { x }, Interval::between(0, 1)),
        }
    }

    pub fn and(&mut self, a: WireId, b: WireId) -> WireId {
        let (a, b) = (a.min(b), a.max(b));
        match (self.value_of(a), self.value_of(b)) {
            (Some(0), _) | (_, Some(1)) => a,
            (Some(1), _) | (_, Some(0)) => b,
            _ if a == b => a,
            _ => self.wire(Op::And { a, b }, Interval::between(0, 1)),
        }
    }

    pub fn or(&mut self, a: WireId, b: WireId) -> WireId {
        let (a, b) = (a.min(b), a.max(b));
        match (self.value_of(a), self.value_of(b)) {
            (Some(1), _) | (_, Some(0)) => a,
            (Some(0), _) | (_, Some(1)) => b,
            _ if a == b => a,
            _ => self.wire(Op::Or { a, b }, Interval::between(0, 1)),
        }
    }

    pub fn choose(&mut self, condition: WireId, yes: WireId, no: WireId) -> WireId {
        match self.value_of(condition) {
            Some(0) => return no,
            Some(_) => return yes,
            None if yes == no => return yes,
            None => {}
        }
        let range = self.range(yes).hull(self.range(no));
        self.wire(Op::Choose { condition, yes, no }, range)
    }

    /// The entry of x in a table from `first` on. x is proved to lie within; where less is known of its wire, it is kept there.
    pub fn look(&mut self, x: WireId, name: &str, first: i128, entries: &[i64]) -> WireId {
        let x = self.clamp(x, first, first + entries.len() as i128 - 1);
        let is = self.range(x);
        // What cannot be looked up is no part of the table.
        let reached = &entries[(is.minimum - first) as usize..=(is.maximum - first) as usize];
        let points = reached.iter().map(|e| Interval::point((*e).into()));
        let range = points.reduce(Interval::hull).unwrap_or(Interval::point(0));
        if range.minimum == range.maximum {
            return self.constant(range.minimum);
        }
        let table = Table {
            name: name.to_owned(),
            first: is.minimum,
            entries: reached.to_vec(),
        };
        let next = self.tables.len();
        let index = *self.known_tables.entry(table.clone()).or_insert(next);
        if index == next {
            self.tables.push(table);
        }
        self.wire(Op::Look { x, table: index }, range)
    }

    pub fn sum(&mut self, x: WireId, range: Interval) -> WireId {
        self.wire(Op::Sum { x }, range)
    }

    pub fn most(&mut self, x: WireId, none: i128) -> WireId {
        let range = self.range(x).hull(Interval::point(none));
        self.wire(Op::Most { x, none }, range)
    }

    pub fn count(&mut self, capacity: usize) -> WireId {
        self.wire(Op::Count, Interval::between(0, capacity as i128))
    }

    /// The larger of both.
    pub fn larger(&mut self, a: WireId, b: WireId) -> WireId {
        let (x, y) = (self.range(a), self.range(b));
        let less = self.less(a, b);
        let result = self.choose(less, b, a);
        self.narrowed(
            result,
            Interval::between(x.minimum.max(y.minimum), x.maximum.max(y.maximum)),
        )
    }

    /// The smaller of both.
    pub fn smaller(&mut self, a: WireId, b: WireId) -> WireId {
        let (x, y) = (self.range(a), self.range(b));
        let less = self.less(a, b);
        let result = self.choose(less, a, b);
        self.narrowed(
            result,
            Interval::between(x.minimum.min(y.minimum), x.maximum.min(y.maximum)),
        )
    }

    fn narrowed(&mut self, id: WireId, to: Interval) -> WireId {
        match self.value_of(id) {
            Some(_) => id,
            None => self.narrow(id, to),
        }
    }
}
