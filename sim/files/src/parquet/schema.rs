//! Which columns a file has, and how lists lie in them.

use parquet::basic::{ConvertedType, LogicalType, Repetition, Type as Physical};
use parquet::schema::types::Type;

/// A column of numbers as it is stored: lists and records end in such.
#[derive(Clone, Debug)]
pub struct Leaf {
    /// Its name: fields of records with a dot between them, without what only lists add.
    pub name: String,
    /// Name of the field of the file's schema that it belongs to.
    pub field: String,
    /// Where it lies in a row group.
    pub index: usize,
    /// Of every list around it, outermost first, the definition level from which there is an element.
    pub lists: Vec<i16>,
    /// The definition level of a number.
    pub defined: i16,
    /// What it holds, or a description of what else it holds.
    pub element: Result<Element, String>,
}

/// A type of numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Element {
    Bool,
    Int32,
    Unsigned32,
    Int64,
    Unsigned64,
    Half,
    Single,
    Double,
}

impl Element {
    /// NumPy's description.
    pub fn dtype(self) -> &'static str {
        match self {
            Self::Bool => "|b1",
            Self::Int32 => "<i4",
            Self::Unsigned32 => "<u4",
            Self::Int64 => "<i8",
            Self::Unsigned64 => "<u8",
            Self::Half => "<f2",
            Self::Single => "<f4",
            Self::Double => "<f8",
        }
    }

    /// Bytes that one takes once it is read.
    pub fn held_bytes(self) -> u64 {
        match self {
            Self::Half | Self::Single => 4,
            _ => 8,
        }
    }
}

/// All leaves of a schema, in the order in which they are stored.
pub fn leaves(root: &Type) -> Vec<Leaf> {
    let mut walk = Walk {
        leaves: vec![],
        lists: vec![],
        defined: 0,
    };
    for field in root.get_fields() {
        walk.visit(field, &[field.name()]);
    }
    walk.leaves
}

struct Walk {
    leaves: Vec<Leaf>,
    lists: Vec<i16>,
    defined: i16,
}

impl Walk {
    /// `names`: those of the node and of the records around it.
    fn visit(&mut self, node: &Type, names: &[&str]) {
        let (lists, defined) = (self.lists.len(), self.defined);
        match node.get_basic_info().repetition() {
            Repetition::REQUIRED => {}
            Repetition::OPTIONAL => self.defined += 1,
            Repetition::REPEATED => {
                self.defined += 1;
                self.lists.push(self.defined);
            }
        }
        if node.is_primitive() {
            self.leaves.push(Leaf {
                name: names.join("."),
                field: names.first().copied().unwrap_or_default().to_owned(),
                index: self.leaves.len(),
                lists: self.lists.clone(),
                defined: self.defined,
                element: element(node),
            });
        } else if let Some(repeated) = list(node) {
            match wrapped(repeated) {
                None => self.visit(repeated, names),
                Some(element) => {
                    self.defined += 1;
                    self.lists.push(self.defined);
                    self.visit(element, names);
                }
            }
        } else {
            for field in node.get_fields() {
                let mut names = names.to_vec();
                names.push(field.name());
                self.visit(field, &names);
            }
        }
        self.lists.truncate(lists);
        self.defined = defined;
    }
}

/// What is repeated in a node that is a list.
fn list(node: &Type) -> Option<&Type> {
    let info = node.get_basic_info();
    let is_list = info.converted_type() == ConvertedType::LIST
        || info.logical_type_ref() == Some(&LogicalType::List);
    match node.get_fields() {
        [repeated] if is_list && repeated.get_basic_info().repetition() == Repetition::REPEATED => {
            Some(repeated)
        }
        _ => None,
    }
}

/// The elements of a list, where `repeated` only wraps them; older writers repeat the elements themselves.
fn wrapped(repeated: &Type) -> Option<&Type> {
    if repeated.is_primitive() || repeated.name() == "array" || repeated.name().ends_with("_tuple")
    {
        return None;
    }
    match repeated.get_fields() {
        [element] => Some(element),
        _ => None,
    }
}

fn element(node: &Type) -> Result<Element, String> {
    let info = node.get_basic_info();
    let logical = info.logical_type_ref();
    let is_plain = matches!(logical, None | Some(LogicalType::Integer(_)));
    let is_signed = match logical {
        Some(LogicalType::Integer(integer)) => integer.is_signed,
        _ => !matches!(
            info.converted_type(),
            ConvertedType::UINT_8
                | ConvertedType::UINT_16
                | ConvertedType::UINT_32
                | ConvertedType::UINT_64
        ),
    };
    let is_number = is_plain
        && matches!(
            info.converted_type(),
            ConvertedType::NONE
                | ConvertedType::INT_8
                | ConvertedType::INT_16
                | ConvertedType::INT_32
                | ConvertedType::INT_64
                | ConvertedType::UINT_8
                | ConvertedType::UINT_16
                | ConvertedType::UINT_32
                | ConvertedType::UINT_64
        );
    match (node.get_physical_type(), is_number) {
        (Physical::BOOLEAN, true) => Ok(Element::Bool),
        (Physical::INT32, true) if is_signed => Ok(Element::Int32),
        (Physical::INT32, true) => Ok(Element::Unsigned32),
        (Physical::INT64, true) if is_signed => Ok(Element::Int64),
        (Physical::INT64, true) => Ok(Element::Unsigned64),
        (Physical::FLOAT, true) => Ok(Element::Single),
        (Physical::DOUBLE, true) => Ok(Element::Double),
        (Physical::FIXED_LEN_BYTE_ARRAY, _) if logical == Some(&LogicalType::Float16) => {
            Ok(Element::Half)
        }
        (physical, _) => Err(match (logical, info.converted_type()) {
            // What it is, without its parameters.
            (Some(logical), _) => {
                let text = format!("{logical:?}");
                text.split('(').next().unwrap_or_default().to_owned()
            }
            (None, ConvertedType::NONE) => physical.to_string(),
            (None, converted) => converted.to_string(),
        }),
    }
}
