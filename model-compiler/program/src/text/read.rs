//! Text to program.

use std::collections::HashMap;
use std::str::FromStr;

use super::lex::{Kind, Token, lex};
use super::{FORMAT_VERSION, TextError, names};
use crate::{
    Constant, ConstantId, Dim, Encoding, ExactF64, Field, FieldOverflow, Input, InputId, IntType,
    Live, Operation, Output, Overflow, Product, Program, Rounding, Scale, Set, SetId, Shape,
    TreeAggregate, Trees, Value, ValueId, WordRef,
};

pub(crate) fn read(text: &str) -> Result<Program, TextError> {
    let mut reader = Reader {
        tokens: lex(text)?,
        position: 0,
        names: HashMap::new(),
    };
    reader.program()
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Namespace {
    Set,
    Input,
    Constant,
    Value,
}

struct Reader<'a> {
    tokens: Vec<Token<'a>>,
    position: usize,
    names: HashMap<(Namespace, &'a str), usize>,
}

type Read<T> = Result<T, TextError>;

impl<'a> Reader<'a> {
    fn program(&mut self) -> Read<Program> {
        self.keyword("hodoscope-program")?;
        let version: u32 = self.number()?;
        if version != FORMAT_VERSION {
            return self.fail(format!(
                "format version {version}; this program reads {FORMAT_VERSION}"
            ));
        }
        self.keyword("program")?;
        let mut program = Program {
            name: self.word()?.into(),
            sets: vec![],
            inputs: vec![],
            constants: vec![],
            values: vec![],
            outputs: vec![],
        };
        while self.position < self.tokens.len() {
            match self.word()? {
                "set" => {
                    let name = self.define(Namespace::Set, program.sets.len())?;
                    self.keyword("capacity")?;
                    program.sets.push(Set {
                        name,
                        capacity: self.number()?,
                        live: Live::Always,
                        order: None,
                    });
                }
                "input" => {
                    let input = self.input(program.inputs.len())?;
                    program.inputs.push(input);
                }
                "live" => {
                    let set = self.refer(Namespace::Set)?;
                    program.sets[set].live = self.live()?;
                }
                "order" => {
                    let set = self.refer(Namespace::Set)?;
                    program.sets[set].order = Some(self.word_ref()?);
                }
                "constant" => {
                    let constant = self.constant(program.constants.len())?;
                    program.constants.push(constant);
                }
                "value" => {
                    let value = self.value(program.values.len())?;
                    program.values.push(value);
                }
                "output" => {
                    let name = self.name()?.into();
                    self.mark('=')?;
                    let value = self.value_ref()?;
                    program.outputs.push(Output { name, value });
                }
                other => return self.fail(format!("'{other}' starts no statement")),
            }
        }
        Ok(program)
    }

    fn input(&mut self, index: usize) -> Read<Input> {
        let name = self.define(Namespace::Input, index)?;
        let mut set = None;
        if self.accept("set") {
            set = Some(SetId::new(self.refer(Namespace::Set)?));
        }
        self.keyword("channels")?;
        let channels = self.number()?;
        let mut fields = Vec::new();
        while self.accept("field") {
            let name = self.word()?.into();
            self.keyword("unit")?;
            let unit = self.quoted()?.into();
            self.keyword("lsb")?;
            let lsb = self.lsb()?;
            self.keyword("range")?;
            let (minimum, maximum) = (self.number()?, self.number()?);
            let overflow = match self.word()? {
                "saturate" => FieldOverflow::Saturate,
                "wrap" => FieldOverflow::Wrap,
                other => return self.fail(format!("'{other}' is not saturate or wrap")),
            };
            self.keyword("empty")?;
            let empty = self.number()?;
            let encoding = match self.accept("rounding") {
                true => Encoding::Quantiser {
                    rounding: self.rounding()?,
                    zero_point: match self.accept("zero") {
                        true => self.number()?,
                        false => 0,
                    },
                },
                false => Encoding::Nearest,
            };
            fields.push(Field {
                encoding,
                name,
                unit,
                lsb,
                minimum,
                maximum,
                overflow,
                empty,
            });
        }
        Ok(Input {
            name,
            set,
            channels,
            fields,
        })
    }

    fn live(&mut self) -> Read<Live> {
        // An input may be called `always` or `not_empty` too: its word has a bracket.
        let bracket = self.kind(self.position + 1) == Some(Kind::Mark('['));
        if !bracket && self.accept("always") {
            return Ok(Live::Always);
        }
        if !bracket && self.accept("not_empty") {
            let input = InputId::new(self.refer(Namespace::Input)?);
            return Ok(Live::NotEmpty { input });
        }
        let word = self.word_ref()?;
        match self.word()? {
            "above" => Ok(Live::Above {
                word,
                threshold: self.number()?,
            }),
            "not" => Ok(Live::NotEqual {
                word,
                empty: self.number()?,
            }),
            other => self.fail(format!("'{other}' is not above or not")),
        }
    }

    fn constant(&mut self, index: usize) -> Read<Constant> {
        let name = self.define(Namespace::Constant, index)?;
        let element = self.element()?;
        let shape = self.listed(Self::number)?;
        Ok(Constant {
            name,
            element,
            shape,
            data: self.numbers()?,
        })
    }

    fn value(&mut self, index: usize) -> Read<Value> {
        let name = self.define(Namespace::Value, index)?;
        let shape = Shape(self.listed(Self::dim)?);
        let element = self.element()?;
        let scale = match self.word()? {
            "frac" => Scale::Pow2(self.frac()?),
            "fracs" => {
                let mut fracs = Vec::new();
                while self.peek_number() {
                    fracs.push(self.frac()?);
                }
                Scale::Pow2PerChannel(fracs)
            }
            "lsb" => {
                let mut lsbs = Vec::new();
                while self.peek_number() {
                    lsbs.push(self.lsb()?);
                }
                Scale::Lsb(lsbs)
            }
            other => return self.fail(format!("'{other}' is not frac, fracs or lsb")),
        };
        self.mark('=')?;
        let operation = self.operation()?;
        Ok(Value {
            name,
            shape,
            element,
            scale,
            operation,
        })
    }

    fn operation(&mut self) -> Read<Operation> {
        Ok(match self.word()? {
            "input" => Operation::Input(InputId::new(self.refer(Namespace::Input)?)),
            "rescale" => {
                let x = self.value_ref()?;
                self.keyword("by")?;
                let multipliers = self.numbers()?;
                self.keyword("plus")?;
                let offsets = self.numbers()?;
                self.keyword("shift")?;
                let shifts = self.numbers()?;
                let rounding = self.rounding()?;
                let overflow = self.overflow()?;
                if multipliers.is_empty() || offsets.is_empty() || shifts.is_empty() {
                    return self.fail("a rescale needs a multiplier, an offset and a shift".into());
                }
                Operation::Rescale {
                    x,
                    multipliers,
                    offsets,
                    shifts,
                    rounding,
                    overflow,
                }
            }
            "dense" => {
                let x = self.value_ref()?;
                self.keyword("weights")?;
                let weights = self.constant_ref()?;
                self.keyword("bias")?;
                let bias = self.constant_ref()?;
                Operation::Dense { x, weights, bias }
            }
            "dense_stepwise" => {
                let x = self.value_ref()?;
                self.keyword("weights")?;
                let weights = self.constant_ref()?;
                self.keyword("bias")?;
                let bias = self.constant_ref()?;
                self.keyword("product")?;
                self.keyword("shift")?;
                let product = Product {
                    shift: self.number()?,
                    rounding: self.rounding()?,
                    element: self.element()?,
                    overflow: self.overflow()?,
                };
                Operation::DenseStepwise {
                    x,
                    weights,
                    bias,
                    product,
                }
            }
            "divide" => {
                let x = self.value_ref()?;
                self.keyword("by")?;
                Operation::Divide {
                    x,
                    divisor: self.number()?,
                    rounding: self.rounding()?,
                }
            }
            "reshape" => Operation::Reshape {
                x: self.value_ref()?,
            },
            "trees" => {
                let x = self.value_ref()?;
                self.keyword("nodes")?;
                let nodes = self.constant_ref()?;
                self.keyword("first")?;
                let first = self.number()?;
                self.keyword("roots")?;
                let roots = self.constant_ref()?;
                self.keyword("leaves")?;
                let leaves = self.constant_ref()?;
                let aggregates = [TreeAggregate::Sum, TreeAggregate::Min, TreeAggregate::Max];
                let word = self.word()?;
                let aggregate = aggregates.into_iter().find(|a| a.keyword() == word);
                let Some(aggregate) = aggregate else {
                    return self.fail(format!("'{word}' where sum, min or max is wanted"));
                };
                Operation::Trees(Trees {
                    x,
                    nodes,
                    first,
                    roots,
                    leaves,
                    aggregate,
                })
            }
            "gather" => {
                let x = self.value_ref()?;
                self.keyword("elements")?;
                Operation::Gather {
                    x,
                    elements: self.numbers()?,
                }
            }
            "relu" => Operation::Relu {
                x: self.value_ref()?,
            },
            "leaky_relu" => {
                let x = self.value_ref()?;
                self.keyword("by")?;
                let multiplier = self.number()?;
                self.keyword("shift")?;
                let shift = self.number()?;
                Operation::LeakyRelu {
                    x,
                    multiplier,
                    shift,
                    rounding: self.rounding()?,
                }
            }
            "clip" => {
                let x = self.value_ref()?;
                self.keyword("range")?;
                Operation::Clip {
                    x,
                    minimum: self.number()?,
                    maximum: self.number()?,
                }
            }
            "table" => {
                let x = self.value_ref()?;
                self.keyword("entries")?;
                let table = self.constant_ref()?;
                Operation::Table { x, table }
            }
            "sum" => Operation::Sum {
                x: self.value_ref()?,
            },
            "max" => {
                let x = self.value_ref()?;
                self.keyword("empty")?;
                let empty = self.constant_ref()?;
                Operation::Max { x, empty }
            }
            "count" => Operation::Count {
                set: SetId::new(self.refer(Namespace::Set)?),
            },
            "arg_max" => Operation::ArgMax {
                x: self.value_ref()?,
            },
            "sum_squares" => Operation::SumSquares {
                x: self.value_ref()?,
            },
            "mul" => Operation::Mul {
                a: self.value_ref()?,
                b: self.value_ref()?,
            },
            "add" => Operation::Add {
                a: self.value_ref()?,
                b: self.value_ref()?,
            },
            "sub" => Operation::Sub {
                a: self.value_ref()?,
                b: self.value_ref()?,
            },
            "squared_error" => Operation::SquaredError {
                a: self.value_ref()?,
                b: self.value_ref()?,
            },
            "mat_mul" => Operation::MatMul {
                a: self.value_ref()?,
                b: self.value_ref()?,
            },
            "quotient" => {
                let (a, b) = (self.value_ref()?, self.value_ref()?);
                self.keyword("shift")?;
                let shift = self.number()?;
                Operation::Quotient {
                    a,
                    b,
                    shift,
                    rounding: self.rounding()?,
                }
            }
            "square_root" => {
                let x = self.value_ref()?;
                self.keyword("shift")?;
                let shift = self.number()?;
                Operation::SquareRoot { x, shift }
            }
            "larger" => Operation::Larger {
                a: self.value_ref()?,
                b: self.value_ref()?,
            },
            "smaller" => Operation::Smaller {
                a: self.value_ref()?,
                b: self.value_ref()?,
            },
            "largest" => Operation::Largest {
                x: self.value_ref()?,
            },
            "top_k" => {
                let x = self.value_ref()?;
                self.keyword("count")?;
                let count = self.number()?;
                Operation::TopK { x, count }
            }
            "take" => {
                let x = self.value_ref()?;
                self.keyword("rows")?;
                let indices = self.value_ref()?;
                Operation::Take { x, indices }
            }
            "select" => {
                let x = self.value_ref()?;
                self.keyword("channels")?;
                Operation::Select {
                    x,
                    channels: self.numbers()?,
                }
            }
            "concat" => Operation::Concat {
                parts: self.listed(Self::value_ref)?,
            },
            other => return self.fail(format!("'{other}' is not an operation")),
        })
    }

    fn rounding(&mut self) -> Read<Rounding> {
        let keyword = self.word()?;
        match names::rounding(keyword) {
            Some(rounding) => Ok(rounding),
            None => self.fail(format!("'{keyword}' is not a rounding")),
        }
    }

    fn overflow(&mut self) -> Read<Overflow> {
        let keyword = self.word()?;
        match names::overflow(keyword) {
            Some(overflow) => Ok(overflow),
            None => self.fail(format!("'{keyword}' is not an overflow")),
        }
    }

    /// A binary exponent, within what a double's exponent holds.
    fn frac(&mut self) -> Read<i32> {
        let frac: i32 = self.number()?;
        if !(-1000..=1000).contains(&frac) {
            return self.fail(format!("frac {frac} is not within ±1000"));
        }
        Ok(frac)
    }

    fn element(&mut self) -> Read<IntType> {
        let word = self.word()?;
        let ty = match (word.get(..1), word.get(1..).map(str::parse)) {
            (Some("i"), Some(Ok(width))) => IntType::signed(width),
            (Some("u"), Some(Ok(width))) => IntType::unsigned(width),
            _ => return self.fail(format!("'{word}' is not an integer type")),
        };
        if !ty.is_valid() {
            return self.fail(format!("'{word}' is not an integer type of 1 to 64 bits"));
        }
        Ok(ty)
    }

    fn dim(&mut self) -> Read<Dim> {
        if self.peek_number() {
            return Ok(Dim::Fixed(self.number()?));
        }
        Ok(Dim::Multiplicity(SetId::new(self.refer(Namespace::Set)?)))
    }

    fn word_ref(&mut self) -> Read<WordRef> {
        let input = InputId::new(self.refer(Namespace::Input)?);
        self.mark('[')?;
        let channel = self.number()?;
        self.mark(']')?;
        Ok(WordRef { input, channel })
    }

    fn value_ref(&mut self) -> Read<ValueId> {
        Ok(ValueId::new(self.refer(Namespace::Value)?))
    }

    fn constant_ref(&mut self) -> Read<ConstantId> {
        Ok(ConstantId::new(self.refer(Namespace::Constant)?))
    }

    fn define(&mut self, namespace: Namespace, index: usize) -> Read<String> {
        let name = self.name()?;
        if self.names.insert((namespace, name), index).is_some() {
            return self.fail(format!("'{name}' is defined twice"));
        }
        Ok(name.into())
    }

    fn refer(&mut self, namespace: Namespace) -> Read<usize> {
        let name = self.name()?;
        match self.names.get(&(namespace, name)) {
            Some(index) => Ok(*index),
            None => self.fail(format!("'{name}' is not defined")),
        }
    }

    /// `[a, b, …]`
    fn listed<T>(&mut self, item: impl Fn(&mut Self) -> Read<T>) -> Read<Vec<T>> {
        self.mark('[')?;
        let mut items = Vec::new();
        while self.peek() != Some(Kind::Mark(']')) {
            if !items.is_empty() {
                self.mark(',')?;
            }
            items.push(item(self)?);
        }
        self.mark(']')?;
        Ok(items)
    }

    /// All numbers up to the next word that is none.
    fn numbers<T: FromStr>(&mut self) -> Read<Vec<T>> {
        let mut numbers = Vec::new();
        while self.peek_number() {
            numbers.push(self.number()?);
        }
        Ok(numbers)
    }

    fn peek_number(&self) -> bool {
        matches!(self.peek(), Some(Kind::Word(word))
            if word.starts_with(|c: char| c.is_ascii_digit() || c == '-'))
    }

    fn number<T: FromStr>(&mut self) -> Read<T> {
        let word = self.word()?;
        match word.parse() {
            Ok(number) => Ok(number),
            Err(_) => self.fail(format!("'{word}' is not a number of the kind wanted here")),
        }
    }

    /// A step: beyond all numbers, or none, it could not be written again.
    fn lsb(&mut self) -> Read<ExactF64> {
        let lsb: f64 = self.number()?;
        match lsb.is_finite() {
            true => Ok(ExactF64(lsb)),
            false => self.fail(format!("a step of {lsb}")),
        }
    }

    fn keyword(&mut self, keyword: &str) -> Read<()> {
        let word = self.word()?;
        if word == keyword {
            return Ok(());
        }
        self.fail(format!("'{word}' where '{keyword}' is wanted"))
    }

    fn accept(&mut self, keyword: &str) -> bool {
        let found = self.peek() == Some(Kind::Word(keyword));
        self.position += usize::from(found);
        found
    }

    fn mark(&mut self, mark: char) -> Read<()> {
        match self.next() {
            Some(Kind::Mark(m)) if m == mark => Ok(()),
            _ => self.fail(format!("'{mark}' is wanted here")),
        }
    }

    fn word(&mut self) -> Read<&'a str> {
        match self.next() {
            Some(Kind::Word(word)) => Ok(word),
            _ => self.fail("a word is wanted here".into()),
        }
    }

    /// A word, or any text in quotes.
    fn name(&mut self) -> Read<&'a str> {
        match self.next() {
            Some(Kind::Word(name) | Kind::Quoted(name)) => Ok(name),
            _ => self.fail("a name is wanted here".into()),
        }
    }

    fn quoted(&mut self) -> Read<&'a str> {
        match self.next() {
            Some(Kind::Quoted(text)) => Ok(text),
            _ => self.fail("a quoted string is wanted here".into()),
        }
    }

    fn peek(&self) -> Option<Kind<'a>> {
        self.kind(self.position)
    }

    fn kind(&self, position: usize) -> Option<Kind<'a>> {
        self.tokens.get(position).map(|t| t.kind)
    }

    fn next(&mut self) -> Option<Kind<'a>> {
        let kind = self.peek();
        self.position += 1;
        kind
    }

    /// An error at the word that was read last.
    fn fail<T>(&self, reason: String) -> Read<T> {
        let at = self
            .position
            .saturating_sub(1)
            .min(self.tokens.len().saturating_sub(1));
        let line = self.tokens.get(at).map_or(1, |token| token.line);
        Err(TextError { line, reason })
    }
}
