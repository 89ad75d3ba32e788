//! Text to program.
//!
//! `cursor` reads words and numbers, `operation` what computes a value, this module the statements around it.

mod cursor;
mod operation;

use std::collections::HashMap;

use super::lex::{Kind, Lexer, Token};
use super::{FORMAT_VERSION, TextError, names};
use crate::{
    Constant, ConstantId, Dim, Encoding, Field, FieldOverflow, Input, InputId, IntType, Live,
    Output, Overflow, Program, Rounding, Scale, Set, SetId, Shape, Value, ValueId, WordRef,
    WordRounding,
};
use cursor::integer;

pub(crate) fn read(text: &str) -> Result<Program, TextError> {
    let mut lexer = Lexer::new(text);
    let ahead = [lexer.next(), lexer.next()];
    let mut reader = Reader {
        lexer,
        ahead,
        last: None,
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
    lexer: Lexer<'a>,
    /// The next two words.
    ahead: [Option<Token<'a>>; 2],
    /// The word that was read last.
    last: Option<Token<'a>>,
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
        let mut live = Vec::new();
        while self.peek().is_some() {
            match self.word()? {
                "set" => {
                    let name = self.define(Namespace::Set, program.sets.len())?;
                    live.push(false);
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
                    if std::mem::replace(&mut live[set], true) {
                        let name = &program.sets[set].name;
                        return self.fail(format!("the live rule of '{name}' stands twice"));
                    }
                    program.sets[set].live = self.live()?;
                }
                "order" => {
                    let set = self.refer(Namespace::Set)?;
                    if program.sets[set].order.is_some() {
                        let name = &program.sets[set].name;
                        return self.fail(format!("the order of '{name}' stands twice"));
                    }
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
        if let Some(set) = live.iter().position(|live| !live) {
            let name = &program.sets[set].name;
            return self.fail(format!(
                "the set '{name}' has no live rule: write `live {name} always` if every slot holds a constituent"
            ));
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
            let encoding = self.encoding()?;
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
        let bracket = self.peek_second() == Some(Kind::Mark('['));
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

    fn encoding(&mut self) -> Read<Encoding> {
        if self.accept("calibrated") {
            return Ok(Encoding::Calibrated);
        }
        if !self.accept("rounding") {
            return Ok(Encoding::Nearest);
        }
        let rounding = if self.accept("ceil") {
            WordRounding::Ceil
        } else if self.accept("up") {
            WordRounding::Up
        } else {
            self.rounding()?.into()
        };
        let zero_first = self.accept("zero_first");
        let zero_point = match zero_first || self.accept("zero") {
            true => self.number()?,
            false => 0,
        };
        Ok(Encoding::Quantiser {
            rounding,
            zero_point,
            zero_first,
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
        let ty = match (word.get(..1), word.get(1..).and_then(integer)) {
            (Some("i"), Some(width)) => IntType::signed(width),
            (Some("u"), Some(width)) => IntType::unsigned(width),
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
        // Only names of the model's own are any text.
        let name = match namespace {
            Namespace::Input => self.name()?,
            _ => self.word()?,
        };
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
}
