//! Writing: a column for each array of an output, and what a raw is worth beside them.

use std::path::Path;
use std::sync::Arc;

use hodoscope_sim::npz::{NpzError, OutputArrays, Values, write_whole};
use parquet::basic::{Compression, LogicalType, Repetition, Type as Physical, ZstdLevel};
use parquet::data_type::{DataType, DoubleType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::{Type, TypePtr};

/// Events of a row group.
const ROWS: usize = 1 << 17;

/// An array that has a row per event.
struct Column {
    name: String,
    width: usize,
    values: Values,
}

/// Writes the arrays of each output: `NAME` and `NAME.raw` are columns, of lists where an output has several numbers, and
/// `NAME.scale` and `NAME.zero_point` are key and value of the file's own metadata, as JSON.
///
/// The file appears under its name when it is complete.
///
/// # Errors
/// When the file cannot be written.
pub fn write_outputs(path: &Path, outputs: &[OutputArrays]) -> Result<(), NpzError> {
    let (mut columns, mut facts) = (vec![], vec![]);
    for (name, shape, values) in outputs.iter().cloned().flat_map(OutputArrays::into_arrays) {
        match shape[..] {
            [_, width] => columns.push(Column {
                name,
                width,
                values,
            }),
            _ => facts.push(KeyValue::new(name, json(&values, shape.is_empty()))),
        }
    }
    write_whole(path, |file| {
        write(file, &columns, facts).map_err(|error| error.to_string())
    })?;
    Ok(())
}

fn json(values: &Values, is_scalar: bool) -> String {
    let texts: Vec<String> = match values {
        Values::Float(values) => values.iter().map(|value| format!("{value:?}")).collect(),
        Values::Single(values) => values.iter().map(|value| format!("{value:?}")).collect(),
        Values::Integer(values) => values.iter().map(ToString::to_string).collect(),
    };
    match is_scalar {
        true => texts.concat(),
        false => format!("[{}]", texts.join(", ")),
    }
}

fn write(
    file: &std::fs::File,
    columns: &[Column],
    facts: Vec<KeyValue>,
) -> Result<(), ParquetError> {
    let fields = columns.iter().map(field).collect::<Result<_, _>>()?;
    let schema = Type::group_type_builder("schema")
        .with_fields(fields)
        .build()?;
    let properties = WriterProperties::builder()
        .set_created_by(format!("hodoscope {}", env!("CARGO_PKG_VERSION")))
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_key_value_metadata(Some(facts))
        .build();
    let mut writer = SerializedFileWriter::new(file, Arc::new(schema), Arc::new(properties))?;
    let events = columns
        .first()
        .map_or(0, |column| column.values.len() / column.width.max(1));
    for first in (0..events).step_by(ROWS) {
        let last = (first + ROWS).min(events);
        let mut group = writer.next_row_group()?;
        for column in columns {
            let range = first * column.width..last * column.width;
            match &column.values {
                Values::Float(values) => {
                    put::<DoubleType>(&mut group, column.width, &values[range])?
                }
                Values::Single(values) => {
                    let wide: Vec<f64> = values[range].iter().map(|&value| value.into()).collect();
                    put::<DoubleType>(&mut group, column.width, &wide)?;
                }
                Values::Integer(values) => {
                    put::<Int64Type>(&mut group, column.width, &values[range])?
                }
            }
        }
        group.close()?;
    }
    writer.close()?;
    Ok(())
}

/// `required NAME`, or the standard's list of required elements where there are several.
fn field(column: &Column) -> Result<TypePtr, ParquetError> {
    let physical = match column.values {
        Values::Integer(_) => Physical::INT64,
        _ => Physical::DOUBLE,
    };
    let number = |name: &str| {
        let number = Type::primitive_type_builder(name, physical);
        number.with_repetition(Repetition::REQUIRED).build()
    };
    if column.width == 1 {
        return Ok(Arc::new(number(&column.name)?));
    }
    let element = number("element")?;
    let list = Type::group_type_builder("list")
        .with_repetition(Repetition::REPEATED)
        .with_fields(vec![Arc::new(element)])
        .build()?;
    let field = Type::group_type_builder(&column.name)
        .with_repetition(Repetition::REQUIRED)
        .with_logical_type(Some(LogicalType::List))
        .with_fields(vec![Arc::new(list)])
        .build()?;
    Ok(Arc::new(field))
}

fn put<T: DataType>(
    group: &mut parquet::file::writer::SerializedRowGroupWriter<'_, &std::fs::File>,
    width: usize,
    values: &[T::T],
) -> Result<(), ParquetError> {
    let Some(mut column) = group.next_column()? else {
        return Err(ParquetError::General("a column is missing".to_owned()));
    };
    let levels = (width != 1).then(|| {
        let begins = (0..values.len()).map(|index| i16::from(index % width != 0));
        (vec![1i16; values.len()], begins.collect::<Vec<i16>>())
    });
    let (definitions, repetitions) = levels.unzip();
    let typed = column.typed::<T>();
    typed.write_batch(values, definitions.as_deref(), repetitions.as_deref())?;
    column.close()
}
